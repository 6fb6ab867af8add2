package main

import (
	"encoding/json"
	"os"
	"sync"
	"time"
)

// A quota of AWS, as tools/bench-fleet/quotas.py reads it from the operator's sources.
type quota struct {
	Group     string
	PerSecond float64
	AtOnce    float64
	// Each operation has it to itself; otherwise those of the group share it.
	Each bool
	// One for all regions.
	Global bool
}

type bucketKey struct{ account, region, name string }

type bucket struct {
	tokens float64
	at     time.Time
}

// quotas has the buckets of all accounts, regions and groups, at AWS's full rates.
type quotas struct {
	sync.Mutex
	of      map[string]quota // by "service operation"
	buckets map[bucketKey]*bucket
}

func readQuotas(path string) *quotas {
	q := &quotas{of: map[string]quota{}, buckets: map[bucketKey]*bucket{}}
	if path == "" {
		return q
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &q.of)
	}
	if err != nil {
		panic(err)
	}
	return q
}

// allows takes a token for the call. It is false if AWS would refuse the call for its rate.
func (q *quotas) allows(account string, c *call) bool {
	name := c.service + " " + c.operation
	limit, known := q.of[name]
	if !known {
		return true
	}
	key := bucketKey{account, c.region, limit.Group}
	if limit.Each {
		key.name = name
	}
	if limit.Global {
		key.region = ""
	}
	q.Lock()
	defer q.Unlock()
	now := time.Now()
	b := q.buckets[key]
	if b == nil {
		b = &bucket{limit.AtOnce, now}
		q.buckets[key] = b
	}
	b.tokens = min(b.tokens+limit.PerSecond*now.Sub(b.at).Seconds(), limit.AtOnce)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
