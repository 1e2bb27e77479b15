<?php

declare(strict_types=1);

namespace CodeIgniter\HTTP;

final class RedirectResponse implements ResponseInterface
{
    private string $path = '';

    public function to(string $path): self
    {
        $this->path = $path;

        return $this;
    }

    public function send(): void
    {
        header('Location: ' . site_url($this->path), response_code: 303);
    }
}
