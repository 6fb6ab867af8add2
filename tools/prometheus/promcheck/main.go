// promcheck checks the chart's alerts and dashboard with Prometheus' own parser and engine.
//
// Usage: promcheck OPERATIONS.md RENDERED.yaml TESTS.yaml...
//
// OPERATIONS.md lists the metrics, RENDERED.yaml is the chart with its PrometheusRule, ServiceMonitor and dashboard, and TESTS.yaml are
// tests of the alerts, in the format of `promtool test rules`.
package main

import (
	"fmt"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
)

var promqlParser = parser.NewParser(parser.Options{})

// problems are the faults that were found, for people.
type problems []string

func (p *problems) add(format string, arguments ...any) {
	*p = append(*p, fmt.Sprintf(format, arguments...))
}

func run(operations, rendered string, tests []string) (string, problems, error) {
	metrics, err := readMetrics(operations)
	if err != nil {
		return "", nil, err
	}
	chart, err := readChart(rendered)
	if err != nil {
		return "", nil, err
	}
	var found problems
	metrics.checkScrape(chart.honorLabels, &found)
	for _, rule := range chart.rules {
		metrics.checkQuery(rule.Alert, rule.Expr, &found)
	}
	queries := chart.dashboard.check(metrics, &found)
	cases, err := checkAlerts(chart.rules, tests, metrics, &found)
	if err != nil {
		return "", nil, err
	}
	summary := fmt.Sprintf("%d alerts, %d queries of the dashboard, %d tests of alerts", len(chart.rules), queries, cases)
	return summary, found, nil
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: promcheck OPERATIONS.md RENDERED.yaml TESTS.yaml...")
		os.Exit(2)
	}
	summary, found, err := run(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, problem := range found {
		fmt.Fprintln(os.Stderr, problem)
	}
	fmt.Printf("%s: %d problems\n", summary, len(found))
	if len(found) > 0 {
		os.Exit(1)
	}
}
