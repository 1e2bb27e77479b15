<?php

declare(strict_types=1);

namespace CodeIgniter\HTTP;

final class Response
{
    public function setStatusCode(int $status): self
    {
        http_response_code($status);

        return $this;
    }
}
