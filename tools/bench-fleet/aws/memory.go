package main

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A thing is what AWS has stored under a name: mostly the request that made it.
type thing = map[string]any

// memory has all things of all accounts, by account, region and kind, and by name.
type memory struct {
	sync.Mutex
	kinds map[[3]string]map[string]thing
	next  int
}

func newMemory() *memory { return &memory{kinds: map[[3]string]map[string]thing{}} }

// A place is the part of the memory that a call works on, with the memory locked.
type place struct {
	*memory
	account, region string
}

// An operation answers a call.
type operation func(p place, c *call) answer

// operations are those that a monitor and a fleet need until Ready, and at rest.
var operations = map[string]operation{}

func (s *server) fromMemory(account string, c *call) answer {
	name := c.service + " " + c.operation
	do := operations[name]
	if do == nil {
		s.counts.Lock()
		s.counts.Failed[name+" "+c.URL.String()]++
		s.counts.Unlock()
		return c.refuse(400, "NotImplemented", name)
	}
	s.memory.Lock()
	defer s.memory.Unlock()
	return do(place{s.memory, account, c.region}, c)
}

func (p place) of(kind string) map[string]thing {
	key := [3]string{p.account, p.region, kind}
	if p.kinds[key] == nil {
		p.kinds[key] = map[string]thing{}
	}
	return p.kinds[key]
}

// found lists the things of a kind whose names begin so, in the order of their names.
func (p place) found(kind, prefix string) []any {
	things, list := p.of(kind), []any{}
	for _, name := range slices.Sorted(maps.Keys(things)) {
		if strings.HasPrefix(name, prefix) {
			list = append(list, things[name])
		}
	}
	return list
}

// global is the place of services that have one for all regions.
func (p place) global() place { return place{p.memory, p.account, ""} }

func (p place) arn(service, name string) string {
	return "arn:aws:" + service + ":" + p.region + ":" + p.account + ":" + name
}

// id is one that no other thing has.
func (p place) id() int {
	p.memory.next++
	return p.memory.next
}

func accountOf(arn string) string { return strings.Split(arn, ":")[4] }

func now() float64 { return float64(time.Now().UnixMilli()) / 1000 }

func text(value any) string {
	known, _ := value.(string)
	return known
}

// with is a thing with further members.
func with(base, more thing) thing {
	all := maps.Clone(base)
	maps.Copy(all, more)
	return all
}
