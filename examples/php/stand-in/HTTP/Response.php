<?php

declare(strict_types=1);

namespace CodeIgniter\HTTP;

final class Response implements ResponseInterface
{
    private string $body = '';

    public function setStatusCode(int $status): self
    {
        http_response_code($status);

        return $this;
    }

    public function setHeader(string $name, string $value): self
    {
        header("{$name}: {$value}");

        return $this;
    }

    public function setContentType(string $type): self
    {
        return $this->setHeader('Content-Type', "{$type}; charset=utf-8");
    }

    public function setBody(string $body): self
    {
        $this->body = $body;

        return $this;
    }

    public function send(): void
    {
        echo $this->body;
    }
}
