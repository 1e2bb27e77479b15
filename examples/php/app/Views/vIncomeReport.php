<?= $this->extend('vMenu') ?>
<?= $this->section('content') ?>
<h1>Income report</h1>
<form class="card filter" method="get" action="<?= site_url('report') ?>">
  <label>From <input name="from" type="date" value="<?= esc($from) ?>"></label>
  <label>To <input name="to" type="date" value="<?= esc($to) ?>"></label>
  <button>Filter</button>
</form>

<?php /* The one line: when ReportIncome arrives, this section is fetched from this page's own address, filter included. */ ?>
<section id="report" data-signal-refresh="ReportIncome">
  <table>
    <thead>
      <tr><th>Date</th><th>Customer</th><th class="number">Amount</th></tr>
    </thead>
    <tbody>
      <?php foreach ($incomes as $income): ?>
        <tr>
          <td><?= esc($income['date']) ?></td>
          <td><?= esc($income['customer']) ?></td>
          <td class="number"><?= number_format($income['amount']) ?></td>
        </tr>
      <?php endforeach ?>
    </tbody>
    <tfoot>
      <tr><th colspan="2">Total</th><td class="number"><?= number_format(array_sum(array_column($incomes, 'amount'))) ?></td></tr>
    </tfoot>
  </table>
</section>
<?= $this->endSection() ?>
