package main

import "fmt"

// Athena and Glue.
func init() {
	operations["athena CreateWorkGroup"] = jsonOperation(func(p place, c *call, in thing) any {
		configuration := with(in["Configuration"].(thing), thing{"RequesterPaysEnabled": false, "EngineVersion": thing{"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}})
		name := text(in["Name"])
		p.of("work groups")[name] = thing{"Name": name, "State": "ENABLED", "Description": in["Description"], "Configuration": configuration}
		p.of("athena tags")[p.arn("athena", "workgroup/"+name)] = thing{"Tags": in["Tags"]}
		return thing{}
	})
	operations["athena GetWorkGroup"] = jsonOperation(func(p place, c *call, in thing) any {
		group := p.of("work groups")[text(in["WorkGroup"])]
		if group == nil {
			return c.refuse(400, "InvalidRequestException", "WorkGroup is not found.")
		}
		return thing{"WorkGroup": group}
	})
	operations["athena ListTagsForResource"] = jsonOperation(func(p place, c *call, in thing) any {
		return p.of("athena tags")[text(in["ResourceARN"])]
	})
	operations["athena CreateNamedQuery"] = jsonOperation(func(p place, c *call, in thing) any {
		id := fmt.Sprintf("named-%d", p.id())
		in["NamedQueryId"] = id
		delete(in, "ClientRequestToken")
		p.of("named queries")[id] = in
		p.of("ids" + text(in["WorkGroup"]))[id] = in
		return thing{"NamedQueryId": id}
	})
	operations["athena ListNamedQueries"] = jsonOperation(func(p place, c *call, in thing) any {
		ids := []any{}
		for id := range p.of("ids" + text(in["WorkGroup"])) {
			ids = append(ids, id)
		}
		return thing{"NamedQueryIds": ids}
	})
	operations["athena BatchGetNamedQuery"] = jsonOperation(func(p place, c *call, in thing) any {
		queries := []any{}
		for _, id := range in["NamedQueryIds"].([]any) {
			queries = append(queries, p.of("named queries")[text(id)])
		}
		return thing{"NamedQueries": queries}
	})
	operations["glue CreateDatabase"] = jsonOperation(func(p place, c *call, in thing) any {
		database := in["DatabaseInput"].(thing)
		name := text(database["Name"])
		p.of("databases")[name] = with(database, thing{"CatalogId": p.account, "CreateTime": now()})
		p.of("glue tags")[p.arn("glue", "database/"+name)] = thing{"Tags": in["Tags"]}
		return thing{}
	})
	operations["glue GetDatabase"] = jsonOperation(func(p place, c *call, in thing) any {
		database := p.of("databases")[text(in["Name"])]
		if database == nil {
			return c.refuse(400, "EntityNotFoundException", "Database not found")
		}
		return thing{"Database": database}
	})
	operations["glue GetTags"] = jsonOperation(func(p place, c *call, in thing) any {
		return p.of("glue tags")[text(in["ResourceArn"])]
	})
	operations["glue CreateTable"] = jsonOperation(func(p place, c *call, in thing) any {
		table, database := in["TableInput"].(thing), text(in["DatabaseName"])
		table["DatabaseName"], table["CatalogId"] = database, p.account
		p.of("tables" + database)[text(table["Name"])] = table
		return thing{}
	})
	operations["glue GetTables"] = jsonOperation(func(p place, c *call, in thing) any {
		return thing{"TableList": p.found("tables"+text(in["DatabaseName"]), "")}
	})
}
