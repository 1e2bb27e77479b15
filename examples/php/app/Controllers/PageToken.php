<?php

declare(strict_types=1);

namespace App\Controllers;

use App\Libraries\PageTokens;
use CodeIgniter\HTTP\ResponseInterface;

/** Fresh tokens for pages that stay open for longer than the one they came with. */
class PageToken extends BaseController
{
    public function show(): ResponseInterface
    {
        // As HTML, the debug toolbar would add its script to the token.
        return $this->response
            ->setHeader('Cache-Control', 'no-store')
            ->setContentType('text/plain')
            ->setBody(PageTokens::sign() ?? '');
    }
}
