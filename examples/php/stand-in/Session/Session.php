<?php

declare(strict_types=1);

namespace CodeIgniter\Session;

final class Session
{
    public function get(string $key): mixed
    {
        return $_SESSION[$key] ?? null;
    }

    public function set(string $key, mixed $value): void
    {
        $_SESSION[$key] = $value;
    }

    public function regenerate(): void
    {
        session_regenerate_id();
    }

    /** Ends the lock: other requests of the session go on. */
    public function close(): void
    {
        session_write_close();
    }
}
