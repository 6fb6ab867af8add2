package main

import "time"

// Time after which an alarm without data is OK, as TreatMissingData says.
const evaluated = time.Minute

func cborOperation(do func(p place, c *call, in thing) any) operation {
	return func(p place, c *call) answer {
		out := do(p, c, decodeCBOR(c.body).(thing))
		if refusal, refused := out.(answer); refused {
			return refusal
		}
		return cborAnswer(out)
	}
}

func init() {
	operations["monitoring PutMetricAlarm"] = cborOperation(func(p place, c *call, in thing) any {
		name := text(in["AlarmName"])
		arn := p.arn("cloudwatch", "alarm:"+name)
		p.of("alarm tags")[arn] = thing{"Tags": in["Tags"]}
		delete(in, "Tags")
		p.of("alarms")[name] = with(in, thing{"AlarmArn": arn, "StateUpdatedTimestamp": timestamp(now())})
		return thing{}
	})
	operations["monitoring DescribeAlarms"] = cborOperation(func(p place, c *call, in thing) any {
		alarms := []any{}
		for _, name := range in["AlarmNames"].([]any) {
			alarm := p.of("alarms")[text(name)]
			if alarm == nil {
				continue
			}
			state := "OK"
			if age := now() - float64(alarm["StateUpdatedTimestamp"].(timestamp)); age < evaluated.Seconds() {
				state = "INSUFFICIENT_DATA"
			}
			alarms = append(alarms, with(alarm, thing{"StateValue": state}))
		}
		return thing{"MetricAlarms": alarms, "CompositeAlarms": []any{}}
	})
	operations["monitoring DeleteAlarms"] = cborOperation(func(p place, c *call, in thing) any {
		for _, name := range in["AlarmNames"].([]any) {
			delete(p.of("alarms"), text(name))
		}
		return thing{}
	})
	operations["monitoring PutDashboard"] = cborOperation(func(p place, c *call, in thing) any {
		arn := "arn:aws:cloudwatch::" + p.account + ":dashboard/" + text(in["DashboardName"])
		p.of("alarm tags")[arn] = thing{"Tags": in["Tags"]}
		p.global().of("dashboards")[text(in["DashboardName"])] = thing{"DashboardArn": arn, "DashboardName": in["DashboardName"], "DashboardBody": in["DashboardBody"]}
		return thing{"DashboardValidationMessages": []any{}}
	})
	operations["monitoring GetDashboard"] = cborOperation(func(p place, c *call, in thing) any {
		dashboard := p.global().of("dashboards")[text(in["DashboardName"])]
		if dashboard == nil {
			return c.refuse(404, "ResourceNotFound", "Dashboard does not exist")
		}
		return dashboard
	})
	operations["monitoring ListTagsForResource"] = cborOperation(func(p place, c *call, in thing) any {
		return p.of("alarm tags")[text(in["ResourceARN"])]
	})
}
