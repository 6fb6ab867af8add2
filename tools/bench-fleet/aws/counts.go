package main

import (
	"sync"
	"time"
)

// counts has the calls of all accounts.
type counts struct {
	sync.Mutex
	Calls   map[string]map[string]int // by account and "service operation"
	Refused map[string]map[string]int // for their rate
	Failed  map[string]int            // calls that the memory cannot answer
	Seconds float64                   // time of all answers
	Slowest float64
}

func newCounts() *counts {
	return &counts{Calls: map[string]map[string]int{}, Refused: map[string]map[string]int{}, Failed: map[string]int{}}
}

func (n *counts) add(to map[string]map[string]int, account, name string) {
	n.Lock()
	defer n.Unlock()
	if to[account] == nil {
		to[account] = map[string]int{}
	}
	to[account][name]++
}

func (n *counts) took(start time.Time) {
	n.Lock()
	defer n.Unlock()
	seconds := time.Since(start).Seconds()
	n.Seconds += seconds
	n.Slowest = max(n.Slowest, seconds)
}
