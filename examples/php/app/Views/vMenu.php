<?php
$relay = config('SignalRelay');
$user = (string) (session('userId') ?? 123); // Your own sign-in says who it is.
?>
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title><?= esc($title ?? 'Incomes') ?></title>
    <link rel="stylesheet" href="<?= base_url('style.css') ?>">
    <?php if ($relay->authSecret !== ''): // For a working day: twelve hours. ?>
      <meta name="signalpost-token" content="<?= service('signalRelay')->token($user, ['main'], ['ReportIncome'], 43_200) ?>">
    <?php endif ?>
    <script src="<?= base_url('signalpost.min.js') ?>" data-url="<?= esc($relay->pageUrl) ?>"></script>
  </head>
  <body>
    <header>
      <nav>
        <a href="<?= site_url('report') ?>">Report</a>
        <a href="<?= site_url('incomes/new') ?>">New income</a>
      </nav>
      <output data-signal-status></output>
    </header>
    <main>
      <?= $this->renderSection('content') ?>
    </main>
  </body>
</html>
