# A backup of a running service, and the copy in use.
temper submit - --name kept --wait <<END | head -9
{"dataset": {"id": "digits"}, "model": {"architecture": "mlp"}, "threat": {"norm": "linf", "epsilon": 0.1}, "training": {"epochs": 3}, "evaluation": {"samples": 100}}
END
temper report latest --json | sha256sum > report.sha256
temper backup monday.tar
ls -l monday.tar
temper restore monday.tar --data restored
temper fsck --data restored
temper serve --data restored --listen 127.0.0.1:0 --port-file port.txt 2>service.log &
until test -s port.txt; do sleep 0.1; done
export TEMPER_SERVER=http://127.0.0.1:$(cat port.txt)
temper list
temper report latest --json | sha256sum --check report.sha256
temper download latest -o kept.safetensors
kill %1
wait %1
