<?php

declare(strict_types=1);

namespace CodeIgniter\View;

final class View
{
    private ?string $layout = null;
    private array $sections = [];
    private string $section = '';

    public function __construct(private array $data)
    {
    }

    public function render(string $name): string
    {
        ob_start();
        (function () use ($name): void {
            extract($this->data);
            require APPPATH . "Views/{$name}.php";
        })();
        $text = ob_get_clean();
        [$layout, $this->layout] = [$this->layout, null];

        return $layout === null ? $text : $this->render($layout);
    }

    public function extend(string $layout): void
    {
        $this->layout = $layout;
    }

    public function section(string $name): void
    {
        $this->section = $name;
        ob_start();
    }

    public function endSection(): void
    {
        $this->sections[$this->section] = ob_get_clean();
    }

    public function renderSection(string $name): void
    {
        echo $this->sections[$name] ?? '';
    }
}
