<?php

declare(strict_types=1);

namespace Config;

use App\Libraries\SignalRelay;
use CodeIgniter\Config\BaseService;

class Services extends BaseService
{
    /** What `service('signalRelay')` gives. */
    public static function signalRelay(bool $getShared = true): SignalRelay
    {
        if ($getShared) {
            return static::getSharedInstance('signalRelay');
        }
        $config = config('SignalRelay');

        return new SignalRelay($config->url, $config->publishKey, $config->authSecret);
    }
}
