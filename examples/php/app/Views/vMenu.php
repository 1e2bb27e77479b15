<?php
$settings = config('SignalRelay');
$user = (string) (session('userId') ?? 123); // Your own sign-in says who it is.
$token = $settings->authSecret === '' ? '' : service('signalRelay')->token($user, ['main'], ['ReportIncome']);
?>
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title><?= esc($title ?? 'Incomes') ?></title>
    <link rel="stylesheet" href="<?= base_url('style.css') ?>">
    <script
      src="<?= base_url('signalpost.min.js') ?>"
      data-url="<?= esc($settings->pageUrl) ?>"
      <?php if ($token !== ''): ?>data-token="<?= esc($token) ?>"<?php endif ?>
    ></script>
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
