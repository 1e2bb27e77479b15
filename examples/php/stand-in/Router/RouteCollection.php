<?php

declare(strict_types=1);

namespace CodeIgniter\Router;

final class RouteCollection
{
    private array $actions = [];

    public function get(string $path, string $action, array $options = []): void
    {
        $this->actions['GET'][trim($path, '/')] = [$action, $options['filter'] ?? null];
    }

    public function post(string $path, string $action): void
    {
        $this->actions['POST'][trim($path, '/')] = [$action, null];
    }

    /** @return array{class-string, string, class-string|null}|null the controller, the name of its method, the filter */
    public function find(string $method, string $path): ?array
    {
        [$action, $filter] = $this->actions[$method === 'HEAD' ? 'GET' : $method][$path] ?? [null, null];

        return $action === null ? null : [...explode('::', "App\\Controllers\\{$action}"), $filter];
    }
}
