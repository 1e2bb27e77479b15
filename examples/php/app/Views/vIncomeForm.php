<?php
$message = match ($saved ?? null) {
    'told' => 'Saved. Open reports refresh themselves.',
    'untold' => 'Saved. Reports show it when they are loaded again.',
    default => null,
};
?>
<?= $this->extend('vMenu') ?>
<?= $this->section('content') ?>
<h1>New income</h1>
<?php if ($message !== null): ?>
  <p class="message" role="status"><?= esc($message) ?></p>
<?php endif ?>
<?php if ($isWrong ?? false): ?>
  <p class="message error" role="alert">Not saved: it takes a date, a customer, and an amount from 1 to 1,000,000.</p>
<?php endif ?>
<form class="card" method="post" action="<?= site_url('incomes') ?>">
  <?= csrf_field() ?>
  <label>Date <input name="date" type="date" value="<?= esc($date ?? date('Y-m-d')) ?>" required></label>
  <label>Customer <input name="customer" value="<?= esc($customer ?? '') ?>" required></label>
  <label>Amount <input name="amount" type="number" min="1" max="1000000" value="<?= esc($amount ?? '') ?>" required></label>
  <button>Save</button>
</form>
<?= $this->endSection() ?>
