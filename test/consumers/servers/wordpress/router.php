<?php

/** The addresses that the test of every framework uses, in terms of WordPress. */
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/signal-token') {
    $_GET['action'] = $_REQUEST['action'] = 'signal_token';
    require __DIR__ . '/wp-admin/admin-ajax.php';
    return;
}
require __DIR__ . '/wp-load.php';
if ($path === '/sign-in') {
    wp_set_auth_cookie(1);
} elseif ($path === '/form') {
    printf('<input name="csrf_nonce" value="%s">', wp_create_nonce('income'));
} elseif ($path === '/incomes') {
    if (!wp_verify_nonce($_POST['csrf_nonce'] ?? '', 'income')) {
        status_header(403);
        return;
    }
    wp_insert_post(['post_title' => $_POST['amount'], 'post_status' => 'publish']);
}
