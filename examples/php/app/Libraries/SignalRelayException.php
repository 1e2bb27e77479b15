<?php

declare(strict_types=1);

namespace App\Libraries;

use RuntimeException;

/** Why a signal was not published, with a text that says what to do. It holds neither a secret nor the signal's data. */
final class SignalRelayException extends RuntimeException
{
    /**
     * @param string     $reason      for programs: `unreachable`, `busy`, `not-a-relay`, `bad-settings`, `bad-data`, or a
     *                                code of the relay's own such as `wrong-key`, `bad-name` and `denied`
     * @param string     $message     for people: what happened, and what to do
     * @param bool       $isTemporary whether the same call may work later
     * @param float|null $retryAfter  after how many seconds, if the relay said so
     */
    public function __construct(
        public readonly string $reason,
        string $message,
        public readonly bool $isTemporary = false,
        public readonly ?float $retryAfter = null,
    ) {
        parent::__construct($message);
    }
}
