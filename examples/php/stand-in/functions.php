<?php

declare(strict_types=1);

// The global functions of CodeIgniter 4 that the example calls.

use CodeIgniter\HTTP\RedirectResponse;
use CodeIgniter\HTTP\Response;
use CodeIgniter\Session\Session;
use CodeIgniter\View\View;
use Config\Services;

function esc(mixed $text): mixed
{
    return is_string($text) ? htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE) : $text;
}

function view(string $name, array $data = []): string
{
    return (new View($data))->render($name);
}

function site_url(string $path): string
{
    return "/{$path}";
}

function base_url(string $path): string
{
    return "/{$path}";
}

function config(string $name): object
{
    static $configs = [];

    return $configs[$name] ??= new ("Config\\{$name}")();
}

function service(string $name): object
{
    return $name === 'response' ? new Response() : Services::$name();
}

function redirect(): RedirectResponse
{
    return new RedirectResponse();
}

function session(?string $key = null): mixed
{
    $session = new Session();

    return $key === null ? $session : $session->get($key);
}

function csrf_field(): string
{
    return '<input type="hidden" name="csrf_test_name" value="' . esc($_SESSION['csrf']) . '">';
}

function log_message(string $level, string $text): void
{
    error_log(strtoupper($level) . " - {$text}");
}
