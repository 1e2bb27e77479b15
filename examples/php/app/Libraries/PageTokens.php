<?php

declare(strict_types=1);

namespace App\Libraries;

/** The tokens of pages: who they are for, and what these pages may receive and send. */
final class PageTokens
{
    /** How long a token is valid (s), also in the hands of a thief. */
    private const SECONDS = 600;

    /** The signed-in user; `null` for a visitor. With CodeIgniter Shield it is Shield's user. */
    public static function user(): ?string
    {
        $user = function_exists('auth') ? auth()->id() : session('userId');

        return $user === null ? null : (string) $user;
    }

    /** The token of the signed-in user; `null` for a visitor, and where the relay wants no tokens. */
    public static function sign(): ?string
    {
        $user = self::user();
        if ($user === null || config('SignalRelay')->authSecret === '') {
            return null;
        }

        return service('signalRelay')->token($user, ['main'], ['ReportIncome'], self::SECONDS);
    }
}
