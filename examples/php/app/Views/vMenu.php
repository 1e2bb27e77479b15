<?php
$relay = config('SignalRelay');
$isSigned = $relay->authSecret !== '';
?>
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title><?= esc($title ?? 'Incomes') ?></title>
    <link rel="stylesheet" href="<?= base_url('style.css') ?>">
    <?php if ($isSigned): ?>
      <meta name="signalpost-token" content="<?= App\Libraries\PageTokens::sign() ?>">
    <?php endif ?>
    <script src="<?= base_url('signalpost.min.js') ?>" data-url="<?= esc($relay->pageUrl) ?>"<?php if ($isSigned): ?> data-token-url="<?= site_url('signal-token') ?>"<?php endif ?>></script>
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
