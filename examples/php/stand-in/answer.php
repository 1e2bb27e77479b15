<?php

declare(strict_types=1);

use CodeIgniter\HTTP\IncomingRequest;
use CodeIgniter\HTTP\ResponseInterface;
use CodeIgniter\Router\RouteCollection;

/** Answers a request: session, protection against cross-site requests, routes. */
function answer(string $method, string $path): void
{
    session_start(['cookie_httponly' => true, 'cookie_samesite' => 'Lax']);
    $_SESSION['csrf'] ??= bin2hex(random_bytes(16));
    $token = $_POST['csrf_test_name'] ?? null;
    if ($method === 'POST' && !(is_string($token) && hash_equals($_SESSION['csrf'], $token))) {
        fail(403, 'The action you requested is not allowed.');

        return;
    }
    $routes = new RouteCollection();
    require APPPATH . 'Config/Routes.php';
    $action = $routes->find($method, $path);
    if ($action === null) {
        fail(404, 'There is nothing here.');

        return;
    }
    [$controller, $name, $filter] = $action;
    $result = $filter === null ? null : (new $filter())->before(new IncomingRequest());
    $result ??= (new $controller())->$name();
    $result instanceof ResponseInterface ? $result->send() : print $result;
}

function fail(int $status, string $text): void
{
    http_response_code($status);
    header('Content-Type: text/plain; charset=utf-8');
    echo $text;
}
