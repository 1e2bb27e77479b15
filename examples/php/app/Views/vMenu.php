<?php
$relay = config('SignalRelay');
$token = App\Libraries\PageTokens::sign();
// Where the relay wants tokens, it admits no visitor.
$isConnected = $token !== null || $relay->authSecret === '';
?>
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title><?= esc($title ?? 'Incomes') ?></title>
    <link rel="stylesheet" href="<?= base_url('style.css') ?>">
    <?php if ($token !== null): ?>
      <meta name="signalpost-token" content="<?= $token ?>">
    <?php endif ?>
    <?php if ($isConnected): ?>
      <script src="<?= base_url('signalpost.min.js') ?>" data-url="<?= esc($relay->pageUrl) ?>"<?php if ($token !== null): ?> data-token-url="<?= site_url('signal-token') ?>"<?php endif ?>></script>
    <?php endif ?>
  </head>
  <body>
    <header>
      <nav>
        <a href="<?= site_url('report') ?>">Report</a>
        <a href="<?= site_url('incomes/new') ?>">New income</a>
        <?php if ($relay->authSecret !== ''): ?>
          <a href="<?= site_url('sign-in') ?>">Sign in</a>
        <?php endif ?>
      </nav>
      <?php if ($isConnected): ?>
        <output data-signal-status></output>
      <?php endif ?>
    </header>
    <main>
      <?= $this->renderSection('content') ?>
    </main>
  </body>
</html>
