<?php
define('WP_INSTALLING', true);
require __DIR__ . '/wp-load.php';
require __DIR__ . '/wp-admin/includes/upgrade.php';
function wp_new_blog_notification($title, $url, $user, $password) {}
wp_install('Site', 'ada', 'ada@example.com', false, '', 'a-password');
update_option('active_plugins', ['signals.php']);
