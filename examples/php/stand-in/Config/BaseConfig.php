<?php

declare(strict_types=1);

namespace CodeIgniter\Config;

/** Each property may be set in the environment, as `signalrelay_publishKey`. */
abstract class BaseConfig
{
    public function __construct()
    {
        $prefix = strtolower(substr(strrchr(static::class, '\\'), 1));
        foreach (array_keys(get_object_vars($this)) as $property) {
            $value = getenv("{$prefix}_{$property}");
            if ($value !== false) {
                $this->$property = $value;
            }
        }
    }
}
