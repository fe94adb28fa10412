# A report to somebody who has nothing but a browser: one file, and a letter with it.
cat > spec.json <<END
{"dataset": {"id": "digits"}, "model": {"architecture": "mlp"}, "threat": {"norm": "linf", "epsilon": 0.1}, "training": {"epochs": 5},
 "evaluation": {"samples": 200}, "gates": [{"metric": "robust_accuracy", "min": 0.2}]}
END
temper submit spec.json --name "release 3" --gate
temper report latest --format html -o report.html
ls -l report.html

# It names no other file and no other host: every picture is in it.
grep -o '<img\|<svg' report.html | sort | uniq -c
python3 - <<'END'
import html.parser
class Reader(html.parser.HTMLParser):
    outside = []
    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("src", "href", "srcset", "action") and value and not value.startswith(("data:", "#")):
                self.outside.append((tag, name, value))
reader = Reader()
reader.feed(open("report.html").read())
print("outside of it:", reader.outside)
assert not reader.outside
END
python3 - <<'END'
import email.message, pathlib
letter = email.message.EmailMessage()
letter["Subject"], letter["From"], letter["To"] = "Robustness of release 3", "ci@example.org", "release@example.org"
letter.set_content("The report is attached; any browser shows it.")
letter.add_attachment(pathlib.Path("report.html").read_bytes(), maintype="text", subtype="html", filename="report.html")
pathlib.Path("letter.eml").write_bytes(bytes(letter))
print(len(bytes(letter)), "bytes to send")
END
temper report latest --format md | head -20
temper report latest
