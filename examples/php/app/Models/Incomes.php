<?php

declare(strict_types=1);

namespace App\Models;

use RuntimeException;

/** Incomes, one JSON text per line of a file: it stands in for your database. */
final class Incomes
{
    public function __construct(private readonly string $file = WRITEPATH . 'incomes.jsonl')
    {
    }

    /** Whether it is a day, as `2026-01-31`. */
    public static function isDate(mixed $text): bool
    {
        $isOfForm = is_string($text) && preg_match('/^(\d{4})-(\d\d)-(\d\d)$/D', $text, $part) === 1;

        return $isOfForm && checkdate((int) $part[2], (int) $part[3], (int) $part[1]);
    }

    public function add(string $date, string $customer, int $amount): void
    {
        $row = ['date' => $date, 'customer' => $customer, 'amount' => $amount];
        $line = json_encode($row, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
        if (file_put_contents($this->file, $line, FILE_APPEND | LOCK_EX) === false) {
            throw new RuntimeException("The income was not saved: {$this->file} cannot be written.");
        }
    }

    /**
     * @param string $from the first day, as `2026-01-31`; empty is the first of all
     * @param string $to   the last day; empty is the last of all
     *
     * @return list<array{date: string, customer: string, amount: int}> by day
     */
    public function between(string $from, string $to): array
    {
        $lines = is_file($this->file) ? file($this->file, FILE_IGNORE_NEW_LINES) : [];
        $rows = array_map(static fn (string $line): array => json_decode($line, true, flags: JSON_THROW_ON_ERROR), $lines);
        // Days in this form compare as texts do.
        $isWanted = static fn (array $row): bool => $row['date'] >= $from && ($to === '' || $row['date'] <= $to);
        $wanted = array_filter($rows, $isWanted);
        usort($wanted, static fn (array $one, array $other): int => $one['date'] <=> $other['date']);

        return $wanted;
    }
}
