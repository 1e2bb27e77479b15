<?php

declare(strict_types=1);

namespace App\Controllers;

use App\Libraries\PageTokens;

/** Fresh tokens for pages that stay open for longer than the one they came with. */
class PageToken extends BaseController
{
    public function show(): string
    {
        return PageTokens::sign();
    }
}
