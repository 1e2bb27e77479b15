<?php

declare(strict_types=1);

/**
 * Saves an income with no browser, as a cron job or an import would, and tells every open report:
 *
 *     php publish-from-script.php "Customer" 250 [2026-01-31]
 *
 * In CodeIgniter 4 this is a command: app/Commands/AddIncome.php.
 */

use App\Libraries\SignalRelayException;
use App\Models\Incomes;

require __DIR__ . '/stand-in/boot.php';

[, $customer, $amount, $date] = $argv + [1 => '', 2 => '', 3 => date('Y-m-d')];
if ($customer === '' || !ctype_digit($amount) || !Incomes::isDate($date)) {
    fwrite(STDERR, "Usage: php publish-from-script.php <customer> <amount> [<date>]\n");
    exit(2);
}
(new Incomes())->add($date, $customer, (int) $amount);
echo "Saved.\n";

try {
    service('signalRelay')->publish('ReportIncome', ['userId' => 123]);
    echo "Open reports refresh themselves.\n";
} catch (SignalRelayException $failure) {
    fwrite(STDERR, "{$failure->getMessage()}\n");
    exit(1);
}
