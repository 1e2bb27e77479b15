<?= $this->extend('vMenu') ?>
<?= $this->section('content') ?>
<h1>Sign in</h1>
<form class="card" method="post" action="<?= site_url('sign-in') ?>">
  <?= csrf_field() ?>
  <label>User <input name="user" required></label>
  <button>Sign in</button>
</form>
<?= $this->endSection() ?>
