//! Where templates are deployed, as far as the files and the configuration say it.

use std::collections::BTreeSet;

use ringfence_models::Partition;

use super::complete::Setting;
use super::estate::{Estate, one_of};
use super::templates::Place;

impl Estate {
    /// The place of its roles; where it has none, that of its plans and states, else of the
    /// configuration. A plan says its account by what it has read of the caller or by the ARNs
    /// that it knows, and its region by the provider's. Of one whose resources may be of several
    /// accounts or regions, it says neither.
    pub(crate) fn place_of_templates(&self) -> Option<Place> {
        if !self.accounts_of_roles().is_empty() {
            let Place { partition, account, region } = self.place()?;
            // Of several regions none is meant.
            let is_open = region.is_none() && self.regions_of(&account).is_empty();
            let region = region.or_else(|| self.region_of(&account).filter(|_| is_open));
            return Some(Place { partition, account, region });
        }
        let accounts: BTreeSet<String> =
            self.alone().filter_map(|one| one.account.clone()).collect();
        let account = match accounts.is_empty() {
            true => self.home.account.clone()?,
            false => one_of(&accounts, self.home.account.as_ref())?,
        };
        let region = self.region_of(&account);
        let is_own = |one: &&Setting| one.account.as_ref() == Some(&account);
        let partition = self.alone().filter(is_own).find_map(|one| one.partition.clone());
        // A region is of one partition
        // (<https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
        let of_region = || Some(Partition::of_region(region.as_deref()?).id.to_owned());
        let partition = partition.or_else(of_region)?;
        Some(Place { partition, account, region })
    }

    /// The region of plans and states of an account, else of the configuration.
    fn region_of(&self, account: &str) -> Option<String> {
        let own = self.alone().filter(|one| one.account.as_deref() == Some(account));
        let regions: BTreeSet<String> = own.filter_map(|one| one.region.clone()).collect();
        match regions.is_empty() {
            true => self.home.region.clone(),
            false => one_of(&regions, self.home.region.as_ref()),
        }
    }

    /// Of the plans and states those of one account and one region.
    fn alone(&self) -> impl Iterator<Item = &Setting> {
        self.settled.iter().filter(|one| !one.is_mixed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::estate::Home;

    const HERE: &str = "123456789012";
    const OTHER: &str = "999999999999";

    fn known(text: &str) -> Option<String> {
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    /// The place by plans of a partition, an account and a region, and by the configuration.
    fn place(plans: &[[&str; 3]], [account, region]: [&str; 2]) -> Option<[String; 3]> {
        let setting = |[partition, account, region]: &[&str; 3]| {
            Setting::new(known(partition), known(account), known(region))
        };
        let home = Home { account: known(account), region: known(region) };
        let settled = plans.iter().map(setting).collect();
        let estate = Estate { home, settled, ..Estate::default() };
        let Place { partition, account, region } = estate.place_of_templates()?;
        Some([partition, account, region.unwrap_or_default()])
    }

    #[test]
    fn plans_without_roles_say_where_templates_are() {
        let is = |texts: [&str; 3]| Some(texts.map(str::to_owned));
        let nothing = ["", ""];
        assert_eq!(place(&[["aws", HERE, "eu-west-1"]], nothing), is(["aws", HERE, "eu-west-1"]));
        assert_eq!(place(&[["aws", HERE, ""]], nothing), is(["aws", HERE, ""]));
        assert_eq!(place(&[["", HERE, "cn-north-1"]], nothing), is(["aws-cn", HERE, "cn-north-1"]));
        // Neither a region nor an ARN tells the partition.
        assert_eq!(place(&[["", HERE, ""]], nothing), None);
        assert_eq!(place(&[["aws", "", "eu-west-1"]], nothing), None);
        let several = [["aws", HERE, "eu-west-1"], ["aws", OTHER, "eu-north-1"]];
        assert_eq!(place(&several, nothing), None);
        assert_eq!(place(&several, [OTHER, "eu-west-1"]), is(["aws", OTHER, "eu-north-1"]));
        let regions = [["aws", HERE, "eu-west-1"], ["aws", HERE, "eu-north-1"]];
        assert_eq!(place(&regions, nothing), is(["aws", HERE, ""]));
        assert_eq!(place(&regions, [HERE, "eu-north-1"]), is(["aws", HERE, "eu-north-1"]));
    }

    #[test]
    fn the_configuration_says_it_where_no_plan_does() {
        let is = |texts: [&str; 3]| Some(texts.map(str::to_owned));
        assert_eq!(place(&[], [HERE, "us-gov-west-1"]), is(["aws-us-gov", HERE, "us-gov-west-1"]));
        assert_eq!(place(&[["aws", "", ""]], [HERE, "eu-west-1"]), is(["aws", HERE, "eu-west-1"]));
        assert_eq!(place(&[], ["", ""]), None);
    }
}
