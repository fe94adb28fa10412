# A schedule, and a webhook that is told of each verdict, signed.
python3 "$REPOSITORY/Tests/Documents/receiver.py" deliveries.jsonl port.txt &
until test -s port.txt; do sleep 0.1; done
curl -fsS "$TEMPER_SERVER/v1/webhooks" -H 'Content-Type: application/json' -d '{"url": "http://127.0.0.1:'$(cat port.txt)'/temper", "on": ["verdict"]}' > webhook.json
jq -r .secret webhook.json > secret.txt
jq 'del(.secret)' webhook.json
curl -fsS -X POST "$TEMPER_SERVER/v1/webhooks/$(jq -r .id webhook.json)/ping"

# Each minute, so that one need not wait for the night.
curl -fsS "$TEMPER_SERVER/v1/schedules" -H 'Content-Type: application/json' -d '{"name": "nightly", "cron": "* * * * *", "labels": {"branch": "main"},
  "spec": {"dataset": {"id": "digits"}, "model": {"architecture": "mlp"}, "threat": {"norm": "linf", "epsilon": 0.1}, "training": {"epochs": 3},
           "evaluation": {"samples": 100}, "gates": [{"metric": "clean_accuracy", "min": 0.5}]}}' > schedule.json
jq '{id, next_at}' schedule.json
schedule=$(jq -r .id schedule.json)
for second in $(seq 120); do grep -q '"type": *"verdict"' deliveries.jsonl 2>/dev/null && break; sleep 1; done
curl -fsS "$TEMPER_SERVER/v1/schedules/$schedule" | jq '{name, last}'
curl -fsS -X DELETE "$TEMPER_SERVER/v1/schedules/$schedule"

# What came, and whether the signature is of the secret.
python3 - <<'END'
import hashlib, hmac, json
secret = open("secret.txt").read().strip().encode()
for line in open("deliveries.jsonl"):
    came = json.loads(line)
    stamp, given = (part.split("=", 1)[1] for part in came["signature"].split(","))
    wanted = hmac.new(secret, f"{stamp}.{came['body']}".encode(), hashlib.sha256).hexdigest()
    told = json.loads(came["body"])
    print(told["type"], (told.get("result") or {}).get("verdict"), "signature holds:", hmac.compare_digest(given, wanted))
    assert given == wanted
END
curl -fsS "$TEMPER_SERVER/v1/webhooks/$(jq -r .id webhook.json)/deliveries" | jq -c '.data[] | [.type, .state, .status]'
kill %1
