<?php

declare(strict_types=1);

namespace App\Libraries;

use JsonException;
use SensitiveParameter;

/**
 * Publishes signals from PHP through a signalpost relay, and signs the tokens with which pages connect to it.
 *
 * Needs PHP 8.1 or later and no framework; either the extension curl, or the setting `allow_url_fopen`.
 */
final class SignalRelay
{
    /** The longest pause, in seconds, before the second attempt: somebody waits for the page meanwhile. */
    private const LONGEST_PAUSE = 2.0;

    /** Errors of curl that do not pass by themselves: protocol, form of the address, certificate. */
    private const LASTING_ERRORS = [1, 3, 60];

    /** The most that is read of an answer (bytes). */
    private const LONGEST_ANSWER = 65_536;

    private const ADVICE = [
        'wrong-key' => "Set publishKey to the secret of the relay's --publish-key, without the name before its colon.",
        'not-a-relay' => 'Something else answers there: set url to the address of the relay, without a path.',
        'busy' => 'Call again later, with the same idempotency key.',
    ];

    /**
     * @param string $url            the relay as this server reaches it, such as `http://127.0.0.1:8081`
     * @param string $publishKey     the secret of the relay's `--publish-key`, without the name before its colon
     * @param string $authSecret     the relay's `--auth-secret`; only `token()` needs it
     * @param float  $connectTimeout how long one attempt waits for a connection, in seconds
     * @param float  $timeout        how long one attempt takes at most, in seconds; there are two at most
     */
    public function __construct(
        private readonly string $url,
        #[SensitiveParameter]
        private readonly string $publishKey = '',
        #[SensitiveParameter]
        private readonly string $authSecret = '',
        private readonly float $connectTimeout = 0.5,
        private readonly float $timeout = 1.0,
    ) {
    }

    /**
     * Tells every page that receives this signal. When it returns, the relay has it; until then it may have it or not.
     *
     * @param string      $signal         its name, such as `ReportIncome`
     * @param mixed       $data           anything that `json_encode` takes; `null` sends none
     * @param string|null $room           who hears it; `null` is everybody
     * @param string|null $idempotencyKey 1 to 64 letters, digits, `-` or `_`. The relay takes one key once, for some
     *                                    minutes: give your own, one per event, to call again after a failure
     * @param string|null $exclude        `client.tab` of a page that ignores the signal, because it shows the result itself
     *
     * @return string the id of the signal
     *
     * @throws SignalRelayException and nothing else
     */
    public function publish(
        string $signal,
        #[SensitiveParameter]
        mixed $data = null,
        ?string $room = null,
        ?string $idempotencyKey = null,
        ?string $exclude = null,
    ): string {
        $content = ['signal' => $signal, 'data' => $data, 'room' => $room, 'exclude' => $exclude];

        return $this->publishAll([$content], $idempotencyKey)[0];
    }

    /**
     * Publishes several signals with one request, in this order: all of them or none.
     *
     * @param list<array{signal: string, data?: mixed, room?: string|null, exclude?: string|null}> $signals
     *
     * @return list<string> their ids
     *
     * @throws SignalRelayException and nothing else
     */
    public function publishAll(#[SensitiveParameter] array $signals, ?string $idempotencyKey = null): array
    {
        $idempotencyKey ??= bin2hex(random_bytes(16));
        // What stands in a header must not be able to end it.
        if (preg_match('/^[\x21-\x7e]+$/D', $this->publishKey) !== 1) {
            throw new SignalRelayException('bad-settings', 'There is no good publishKey. ' . self::ADVICE['wrong-key']);
        }
        if (preg_match('/^[\w-]{1,64}$/D', $idempotencyKey) !== 1) {
            throw new SignalRelayException('bad-key', 'An idempotency key is 1 to 64 letters, digits, - or _.');
        }
        $isSaid = static fn (mixed $value): bool => $value !== null;
        $body = self::encode(array_map(static fn (array $signal): array => array_filter($signal, $isSaid), $signals));

        try {
            return $this->attempt($body, $idempotencyKey);
        } catch (SignalRelayException $failure) {
            $pause = $failure->retryAfter ?? random_int(100, 300) / 1000;
            if (!$failure->isTemporary || $pause > self::LONGEST_PAUSE) {
                throw $failure;
            }
            usleep((int) ($pause * 1_000_000));

            // The first attempt may have arrived, and only its answer got lost: the same key makes this one harmless.
            return $this->attempt($body, $idempotencyKey);
        }
    }

    /**
     * Signs a token for a page (a JWT, HS256). Give it to nobody but the signed-in user whose page it is.
     *
     * @param string       $user    who it is; receivers see it as `sender.user`
     * @param list<string> $rooms   the rooms that the page may hear and send to: names, or beginnings such as `team:*`
     * @param list<string> $send    the names of the signals that the page may send, in the same form
     * @param int          $seconds how long it is good for
     *
     * @throws SignalRelayException `bad-settings`
     */
    public function token(string $user, array $rooms = ['*'], array $send = ['*'], int $seconds = 3600): string
    {
        if (strlen($this->authSecret) < 32) {
            $advice = "Set authSecret to the relay's --auth-secret, which has 32 characters or more.";
            throw new SignalRelayException('bad-settings', $advice);
        }
        $now = time();
        $claims = ['sub' => $user, 'rooms' => array_values($rooms), 'send' => array_values($send)];
        $claims += ['iat' => $now, 'exp' => $now + $seconds];
        $head = self::base64url(self::encode(['alg' => 'HS256', 'typ' => 'JWT']));
        $signed = $head . '.' . self::base64url(self::encode($claims));

        return $signed . '.' . self::base64url(hash_hmac('sha256', $signed, $this->authSecret, true));
    }

    /** For `var_dump`: secrets are not shown. */
    public function __debugInfo(): array
    {
        return ['connectTimeout' => $this->connectTimeout, 'timeout' => $this->timeout];
    }

    /** @return list<string> */
    private function attempt(#[SensitiveParameter] string $body, string $idempotencyKey): array
    {
        if (!preg_match('~^https?://~i', $this->url)) {
            throw self::unreachable('Its address does not begin with http:// or https://', false);
        }
        $headers = [
            'Authorization: Bearer ' . $this->publishKey,
            'Content-Type: application/json',
            'Idempotency-Key: ' . $idempotencyKey,
        ];
        [$status, $text, $head] = extension_loaded('curl')
            ? $this->postByCurl($headers, $body)
            : $this->postByStream($headers, $body);
        $retryAfter = preg_match('/^retry-after:\s*(\d{1,6})\s*$/im', $head, $match) === 1 ? (float) $match[1] : null;
        $answer = json_decode($text, true);
        if ($status === 200 && is_array($answer['ids'] ?? null)) {
            return $answer['ids'];
        }
        $error = $answer['error'] ?? null;
        $isOfRelay = is_string($error['code'] ?? null) && is_string($error['text'] ?? null);
        // At its own addresses the relay says neither 404 nor 405 to a POST.
        $isKnown = $isOfRelay && !in_array($status, [404, 405], true);

        throw self::refusal($status, $isKnown ? $error : [], $retryAfter);
    }

    /**
     * @param list<string> $headers
     *
     * @return array{int, string, string} the status, the body and the head of the answer
     */
    private function postByCurl(#[SensitiveParameter] array $headers, #[SensitiveParameter] string $body): array
    {
        $head = '';
        $request = curl_init($this->address());
        curl_setopt_array($request, [
            CURLOPT_POSTFIELDS => $body,
            // Without an empty `Expect:`, curl waits a second before a large body.
            CURLOPT_HTTPHEADER => [...$headers, 'Expect:'],
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_PROTOCOLS => CURLPROTO_HTTP | CURLPROTO_HTTPS,
            CURLOPT_CONNECTTIMEOUT_MS => (int) ($this->connectTimeout * 1000),
            CURLOPT_TIMEOUT_MS => (int) ($this->timeout * 1000),
            // Without it, names are looked up with no limit of time below a second.
            CURLOPT_NOSIGNAL => true,
            CURLOPT_HEADERFUNCTION => static function ($request, string $line) use (&$head): int {
                $head .= $line;

                return strlen($line);
            },
        ]);
        $text = curl_exec($request);
        if ($text === false) {
            $isTemporary = !in_array(curl_errno($request), self::LASTING_ERRORS, true);
            throw self::unreachable(rtrim(curl_error($request), '.'), $isTemporary);
        }

        return [curl_getinfo($request, CURLINFO_RESPONSE_CODE), $text, $head];
    }

    /**
     * @param list<string> $headers
     *
     * @return array{int, string, string} the status, the body and the head of the answer
     */
    private function postByStream(#[SensitiveParameter] array $headers, #[SensitiveParameter] string $body): array
    {
        if (!filter_var(ini_get('allow_url_fopen'), FILTER_VALIDATE_BOOL)) {
            $advice = 'Install it (apt-get install php-curl), or set allow_url_fopen in php.ini.';
            throw new SignalRelayException('bad-settings', "PHP has no extension curl. {$advice}");
        }
        $end = microtime(true) + $this->timeout;
        $options = [
            'method' => 'POST',
            'header' => [...$headers, 'Connection: close'],
            'content' => $body,
            'timeout' => $this->timeout,
            // Without chunks: PHP would join the chunks of a slow answer before it returns any.
            'protocol_version' => 1.0,
            'follow_location' => 0,
            'ignore_errors' => true,
        ];
        $stream = @fopen($this->address(), 'r', false, stream_context_create(['http' => $options]));
        if ($stream === false) {
            $error = error_get_last()['message'] ?? '';
            throw self::unreachable(trim(substr($error, (int) strrpos($error, ':') + 1)), true);
        }
        $text = '';
        while (!feof($stream) && strlen($text) < self::LONGEST_ANSWER) {
            // A read ends with what there is, so that an answer in small pieces cannot take for ever.
            $piece = fread($stream, 8192);
            $text .= (string) $piece;
            if (microtime(true) > $end || stream_get_meta_data($stream)['timed_out']) {
                throw self::unreachable('Operation timed out', true);
            }
        }
        $head = implode("\n", stream_get_meta_data($stream)['wrapper_data']);
        fclose($stream);

        return [(int) (explode(' ', $head)[1] ?? 0), $text, $head];
    }

    private function address(): string
    {
        return rtrim($this->url, '/') . '/publish';
    }

    private static function unreachable(string $what, bool $isTemporary): SignalRelayException
    {
        $text = "No answer from the relay: {$what}. Check that it runs, and that url is its address.";

        return new SignalRelayException('unreachable', $text, $isTemporary);
    }

    private static function refusal(int $status, array $error, ?float $retryAfter): SignalRelayException
    {
        $isBusy = $status === 429 || $status >= 500;
        $code = $error['code'] ?? ($isBusy ? 'busy' : 'not-a-relay');
        $advice = self::ADVICE[$code] ?? $error['text'] ?? '';
        $text = "The relay did not take the signal (HTTP {$status}, {$code}). {$advice}";

        return new SignalRelayException($code, $text, $isBusy, $retryAfter);
    }

    private static function encode(#[SensitiveParameter] array $value): string
    {
        try {
            return json_encode($value, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION | JSON_UNESCAPED_SLASHES);
        } catch (JsonException $error) {
            throw new SignalRelayException('bad-data', "This cannot be sent as JSON: {$error->getMessage()}.");
        }
    }

    private static function base64url(string $bytes): string
    {
        return rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    }
}
