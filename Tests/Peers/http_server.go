// The peer of http_load.py: Go's net/http answering one JSON from memory, with an access log of JSON lines.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

// http_server PORT FILE LOG
func main() {
	body, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	file, err := os.Create(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	// Written off the request path, and dropped where it is too slow, as Temper's.
	lines := make(chan string, 4096)
	go func() {
		out := bufio.NewWriter(file)
		for line := range lines {
			out.WriteString(line)
		}
	}()
	handler := func(answer http.ResponseWriter, request *http.Request) {
		begun := time.Now()
		answer.Header().Set("Content-Type", "application/json")
		answer.Header().Set("ETag", `"1"`)
		answer.Write(body)
		line := fmt.Sprintf("{\"time\":%q,\"method\":%q,\"path\":%q,\"status\":200,\"bytes\":%d,\"seconds\":%f}\n",
			begun.Format(time.RFC3339Nano), request.Method, request.URL.Path, len(body), time.Since(begun).Seconds())
		select {
		case lines <- line:
		default:
		}
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(handler)))
}
