<?php

declare(strict_types=1);

namespace App\Commands;

use App\Libraries\SignalRelayException;
use App\Models\Incomes;
use CodeIgniter\CLI\BaseCommand;
use CodeIgniter\CLI\CLI;

/** Saves an income with no browser, and tells every open report: `php spark income:add "Customer" 250`. */
class AddIncome extends BaseCommand
{
    protected $group = 'Incomes';
    protected $name = 'income:add';
    protected $description = 'Saves an income, and refreshes every open report.';
    protected $usage = 'income:add <customer> <amount> [<date>]';

    public function run(array $params): int
    {
        [$customer, $amount, $date] = $params + ['', '', date('Y-m-d')];
        if ($customer === '' || !ctype_digit($amount) || !Incomes::isDate($date)) {
            CLI::error("Usage: php spark {$this->usage}");

            return EXIT_USER_INPUT;
        }
        (new Incomes())->add($date, $customer, (int) $amount);
        CLI::write('Saved.');

        try {
            service('signalRelay')->publish('ReportIncome');
        } catch (SignalRelayException $failure) {
            CLI::error($failure->getMessage());

            return EXIT_ERROR;
        }
        CLI::write('Open reports refresh themselves.');

        return EXIT_SUCCESS;
    }
}
