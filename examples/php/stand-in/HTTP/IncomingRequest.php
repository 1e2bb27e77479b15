<?php

declare(strict_types=1);

namespace CodeIgniter\HTTP;

final class IncomingRequest implements RequestInterface
{
    public function getGet(string $name): mixed
    {
        return $_GET[$name] ?? null;
    }

    public function getPost(string $name): mixed
    {
        return $_POST[$name] ?? null;
    }
}
