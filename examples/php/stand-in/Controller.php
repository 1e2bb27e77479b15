<?php

declare(strict_types=1);

namespace CodeIgniter;

use CodeIgniter\HTTP\IncomingRequest;
use CodeIgniter\HTTP\Response;

class Controller
{
    protected IncomingRequest $request;
    protected Response $response;

    public function __construct()
    {
        $this->request = new IncomingRequest();
        $this->response = new Response();
    }
}
