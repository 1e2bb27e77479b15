<?php

declare(strict_types=1);

namespace App\Libraries;

/** What the pages of this site may hear and send. */
final class PageTokens
{
    /** For ten minutes, which is how long one is good that somebody else gets hold of. */
    private const SECONDS = 600;

    public static function sign(): string
    {
        // Your own sign-in says who it is.
        $user = (string) (session('userId') ?? 123);

        return service('signalRelay')->token($user, ['main'], ['ReportIncome'], self::SECONDS);
    }
}
