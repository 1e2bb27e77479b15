<?php

declare(strict_types=1);

/**
 * What the example needs of CodeIgniter 4, and no more, so that it runs with PHP alone. In a real application
 * CodeIgniter is in its place: copy nothing of this folder.
 */

const APPPATH = __DIR__ . '/../app/';
const WRITEPATH = __DIR__ . '/../writable/';

const NAMESPACES = ['App\\' => APPPATH, 'Config\\' => APPPATH . 'Config/', 'CodeIgniter\\' => __DIR__ . '/'];

spl_autoload_register(static function (string $class): void {
    foreach (NAMESPACES as $prefix => $folder) {
        $file = $folder . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
        }
    }
});

is_dir(WRITEPATH) || mkdir(WRITEPATH);

require __DIR__ . '/functions.php';
require __DIR__ . '/answer.php';
