<?php

declare(strict_types=1);

namespace App\Controllers;

use CodeIgniter\HTTP\RedirectResponse;

/** Believes everybody. It stands in for the sign-in of your application, such as CodeIgniter Shield. */
class SignIn extends BaseController
{
    public function new(): string
    {
        return view('vSignIn');
    }

    public function create(): RedirectResponse
    {
        $user = $this->request->getPost('user');
        session()->regenerate();
        session()->set('userId', is_string($user) && $user !== '' ? $user : null);

        return redirect()->to('report');
    }
}
