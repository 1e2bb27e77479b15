<?php

declare(strict_types=1);

namespace App\Controllers;

use App\Libraries\PageTokens;
use App\Libraries\SignalRelayException;
use App\Models\Incomes;
use CodeIgniter\HTTP\RedirectResponse;

/** Takes incomes, and tells every open report. */
class Income extends BaseController
{
    private const AMOUNTS = ['options' => ['min_range' => 1, 'max_range' => 1_000_000]];

    public function new(): string
    {
        return view('vIncomeForm', ['saved' => $this->request->getGet('saved')]);
    }

    public function create(): RedirectResponse|string
    {
        $input = [
            'date' => $this->posted('date'),
            'customer' => $this->posted('customer'),
            'amount' => $this->posted('amount'),
        ];
        $amount = filter_var($input['amount'], FILTER_VALIDATE_INT, self::AMOUNTS);
        if (!Incomes::isDate($input['date']) || $input['customer'] === '' || $amount === false) {
            $this->response->setStatusCode(422);

            return view('vIncomeForm', $input + ['isWrong' => true]);
        }
        (new Incomes())->add($input['date'], $input['customer'], $amount);
        $saved = $this->tellReports() ? 'told' : 'untold';

        // Not as flash data: a report that refreshes itself meanwhile, in the same session, would use it up.
        return redirect()->to("incomes/new?saved={$saved}");
    }

    /** What is saved is saved: a relay that is away is a line in the log, and no error to whoever saved. */
    private function tellReports(): bool
    {
        $user = PageTokens::user();
        // A session is locked until it is closed: the user's other pages would wait for the relay.
        session()->close();
        try {
            service('signalRelay')->publish('ReportIncome', ['userId' => $user]);

            return true;
        } catch (SignalRelayException $failure) {
            log_message('error', 'ReportIncome was not published: ' . $failure->getMessage());

            return false;
        }
    }

    private function posted(string $field): string
    {
        $text = $this->request->getPost($field);

        return is_string($text) ? trim($text) : '';
    }
}
