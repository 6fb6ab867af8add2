// Stands before an AWS emulator, or in its place, while fleets are measured: it counts the calls, refuses those that are faster than AWS's
// quotas allow, and passes the others on or answers them from memory.
//
// Calls with the header X-Bench belong to the measurement itself: no quota and no count.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"
)

type server struct {
	quotas   *quotas
	counts   *counts
	upstream string // empty: answers from memory
	record   *os.File
	client   *http.Client
	sessions sync.Map // account by the access key of a session
	memory   *memory
}

func main() {
	quotaFile := flag.String("quotas", "", "file with AWS's quotas")
	upstream := flag.String("forward", "", "address of an emulator that answers; without it, memory does")
	record := flag.String("record", "", "file for requests and answers, to look at")
	address := flag.String("listen", "127.0.0.1:0", "address")
	flag.Parse()
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	s := &server{quotas: readQuotas(*quotaFile), counts: newCounts(), upstream: *upstream, client: &http.Client{Transport: transport}, memory: newMemory()}
	if *record != "" {
		s.record, _ = os.Create(*record)
	}
	http.HandleFunc("GET /_bench/counts", func(w http.ResponseWriter, _ *http.Request) {
		s.counts.Lock()
		defer s.counts.Unlock()
		json.NewEncoder(w).Encode(s.counts)
	})
	http.HandleFunc("/", s.serve)
	listen(*address)
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	a := s.answer(identify(r, body))
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("X-Amzn-Requestid", "bench")
	w.WriteHeader(a.status)
	w.Write(a.body)
}

func (s *server) answer(c *call) answer {
	account := s.account(c.accessKey)
	if c.Header.Get("X-Bench") == "" {
		name := c.service + " " + c.operation
		s.counts.add(s.counts.Calls, account, name)
		if !s.quotas.allows(account, c) {
			s.counts.add(s.counts.Refused, account, name)
			return c.tooFast()
		}
		defer s.counts.took(time.Now())
	}
	var a answer
	if s.upstream == "" {
		a = s.fromMemory(account, c)
	} else {
		a = s.forward(c)
	}
	if c.service == "sts" && c.operation == "AssumeRole" {
		s.learn(c, a)
	}
	if s.record != nil {
		fmt.Fprintf(s.record, "%s %s %s %s %s\n%.3000q\n%d %v\n%.3000q\n\n", account, c.service, c.operation, c.Method, c.URL, c.body, a.status, a.header, a.body)
	}
	return a
}

func (s *server) account(accessKey string) string {
	if account, known := s.sessions.Load(accessKey); known {
		return account.(string)
	}
	return accessKey
}

var session = regexp.MustCompile(`<AccessKeyId>(.*?)</AccessKeyId>`)

// learn remembers the account of a session.
func (s *server) learn(c *call, a answer) {
	if key := session.FindSubmatch(a.body); key != nil {
		s.sessions.Store(string(key[1]), accountOf(c.Form.Get("RoleArn")))
	}
}

func (s *server) forward(c *call) answer {
	request, err := http.NewRequest(c.Method, s.upstream+c.RequestURI, bytes.NewReader(c.body))
	if err != nil {
		return c.refuse(400, "InternalFailure", err.Error())
	}
	request.Header, request.Host = c.Header.Clone(), c.Host
	response, err := s.client.Do(request)
	if err != nil {
		return c.refuse(500, "InternalFailure", err.Error())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return c.refuse(500, "InternalFailure", err.Error())
	}
	response.Header.Del("Content-Length")
	response.Header.Del("Transfer-Encoding")
	return answer{response.StatusCode, response.Header, body}
}
