<?php

declare(strict_types=1);

namespace Config;

use CodeIgniter\Config\BaseConfig;

/** The settings of the relay. Secrets come from `.env` or the environment (`signalrelay.publishKey`), never from here. */
class SignalRelay extends BaseConfig
{
    /** The relay as this server reaches it. */
    public string $url = 'http://127.0.0.1:8081';

    /** The relay as browsers reach it; on a real site `wss://example.com/signals`. */
    public string $pageUrl = 'ws://localhost:8081/signals';

    /** The secret of the relay's `--publish-key`. */
    public string $publishKey = '';

    /** The relay's `--auth-secret`; empty where the relay has none, and pages need no token. */
    public string $authSecret = '';
}
