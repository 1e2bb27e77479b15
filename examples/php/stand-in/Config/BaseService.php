<?php

declare(strict_types=1);

namespace CodeIgniter\Config;

abstract class BaseService
{
    private static array $instances = [];

    protected static function getSharedInstance(string $name): object
    {
        return self::$instances[$name] ??= static::$name(false);
    }
}
