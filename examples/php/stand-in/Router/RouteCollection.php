<?php

declare(strict_types=1);

namespace CodeIgniter\Router;

final class RouteCollection
{
    private array $actions = [];

    public function get(string $path, string $action): void
    {
        $this->actions['GET'][trim($path, '/')] = $action;
    }

    public function post(string $path, string $action): void
    {
        $this->actions['POST'][trim($path, '/')] = $action;
    }

    /** @return array{class-string, string}|null the controller and the name of its method */
    public function find(string $method, string $path): ?array
    {
        $action = $this->actions[$method === 'HEAD' ? 'GET' : $method][$path] ?? null;

        return $action === null ? null : explode('::', "App\\Controllers\\{$action}");
    }
}
