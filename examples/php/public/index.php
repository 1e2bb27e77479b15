<?php

declare(strict_types=1);

// PHP's built-in server: what is a file of this folder, it serves itself.
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if (PHP_SAPI === 'cli-server' && $path !== '/index.php' && is_file(__DIR__ . $path)) {
    return false;
}

require __DIR__ . '/../stand-in/boot.php';

answer($_SERVER['REQUEST_METHOD'], trim((string) $path, '/'));
