<?php

declare(strict_types=1);

use App\Filters\SignedIn;
use CodeIgniter\Router\RouteCollection;

/** @var RouteCollection $routes */
$routes->get('/', 'Report::index');
$routes->get('report', 'Report::index');
$routes->get('incomes/new', 'Income::new');
$routes->post('incomes', 'Income::create');
$routes->get('signal-token', 'PageToken::show', ['filter' => SignedIn::class]);
$routes->get('sign-in', 'SignIn::new');
$routes->post('sign-in', 'SignIn::create');
