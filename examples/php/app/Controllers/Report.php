<?php

declare(strict_types=1);

namespace App\Controllers;

use App\Models\Incomes;

/** The report. It need not know that it refreshes itself: that is one attribute in its view. */
class Report extends BaseController
{
    public function index(): string
    {
        $days = ['from' => $this->request->getGet('from'), 'to' => $this->request->getGet('to')];
        $filter = array_map(static fn (mixed $day): string => Incomes::isDate($day) ? $day : '', $days);

        return view('vIncomeReport', $filter + ['incomes' => (new Incomes())->between(...$filter)]);
    }
}
