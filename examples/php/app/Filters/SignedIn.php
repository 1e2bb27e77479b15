<?php

declare(strict_types=1);

namespace App\Filters;

use App\Libraries\PageTokens;
use CodeIgniter\Filters\FilterInterface;
use CodeIgniter\HTTP\RequestInterface;
use CodeIgniter\HTTP\ResponseInterface;

/** Refuses visitors with a status, because a script cannot use the redirect to a sign-in page. */
class SignedIn implements FilterInterface
{
    public function before(RequestInterface $request, $arguments = null)
    {
        if (PageTokens::user() === null) {
            return service('response')->setStatusCode(401)->setContentType('text/plain')->setBody('Sign in first.');
        }
    }

    public function after(RequestInterface $request, ResponseInterface $response, $arguments = null)
    {
    }
}
