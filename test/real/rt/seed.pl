#!/usr/bin/perl
# Fills a fresh RT for tests: agents with tokens, end users, queues, custom fields; then connectors' own setup.pl.
# Reads a JSON object (see SeedPlan in rt-seed.ts) from the file named first and prints one with the tokens.
use strict;
use warnings;
use JSON ();
use File::Basename qw(dirname);
use lib '/usr/share/request-tracker5/lib';
use RT -init;

my ( $plan_file, $setup ) = @ARGV;
open my $in, '<:raw', $plan_file or die "$plan_file: $!";
my $plan   = JSON::decode_json( do { local $/; <$in> } );
my $system = RT->SystemUser;

sub must {
    my ( $what, $ok, $message ) = @_;
    die "$what: " . ( $message // 'failed' ) . "\n" unless $ok;
}

my %queues;
for my $name ( @{ $plan->{queues} } ) {
    my $queue = $queues{$name} = RT::Queue->new($system);
    must( "queue $name", $queue->Create( Name => $name ) );
}

for my $field ( @{ $plan->{customFields} } ) {
    my $made = RT::CustomField->new($system);
    must( $field->{name}, $made->Create(
        Name       => $field->{name},
        Type       => $field->{type},
        $field->{type} =~ /^Date/ ? ( MaxValues => 1 ) : (),
        LookupType => $field->{transaction} ? 'RT::Queue-RT::Ticket-RT::Transaction' : 'RT::Queue-RT::Ticket',
    ) );
    must( $field->{name}, $made->AddToObject( RT::Queue->new($system) ) );
    must( $field->{name}, $made->AddValue( Name => $_ ) ) for @{ $field->{options} || [] };
}

# Agents see and do everything in their queues that the web pages let agents do.
my $agents = RT::Group->new($system);
must( 'agents', $agents->CreateUserDefinedGroup( Name => 'Agents' ) );
for my $right (
    qw(SeeQueue ShowTicket ShowTicketComments ShowOutgoingEmail CreateTicket ReplyToTicket CommentOnTicket ModifyTicket
    DeleteTicket OwnTicket StealTicket Watch WatchAsAdminCc SeeCustomField ModifyCustomField SetInitialCustomField)
    )
{
    must( $right, $agents->PrincipalObj->GrantRight( Right => $right, Object => RT->System ) );
}
# Anybody may write to a queue by mail, as in most installations.
my $everyone = RT::Group->new($system);
$everyone->LoadSystemInternalGroup('Everyone');
for my $right (qw(CreateTicket ReplyToTicket)) {
    must( $right, $everyone->PrincipalObj->GrantRight( Right => $right, Object => RT->System ) );
}

my %tokens;
for my $agent ( @{ $plan->{agents} } ) {
    my $user = RT::User->new($system);
    must( $agent->{name}, $user->Create(
        Name => $agent->{name}, RealName => $agent->{realName}, EmailAddress => $agent->{email}, Privileged => 1,
    ) );
    must( $agent->{name}, $agents->AddMember( $user->PrincipalId ) );
    my ( $id, $message, $token ) = RT::AuthToken->new($system)->Create( Owner => $user->id, Description => 'tests' );
    must( $agent->{name}, $id, $message );
    $tokens{ $agent->{name} } = $token;
}
for my $end ( @{ $plan->{endUsers} } ) {
    my $user = RT::User->new($system);
    must( $end->{name}, $user->Create(
        Name => $end->{name}, RealName => $end->{realName}, EmailAddress => $end->{email}, Privileged => 0,
    ) );
}

# setup.pl prints the service user's token as its only line on standard output.
my $printed = '';
{
    open my $keep, '>&', \*STDOUT or die $!;
    close STDOUT;
    open STDOUT, '>', \$printed or die $!;
    local @ARGV = @{ $plan->{setup} };
    local $@;
    my $done = do $setup;
    my $failed = $@;
    close STDOUT;
    open STDOUT, '>&', $keep or die $!;
    die $failed || "setup.pl: $!" unless $done;
}
chomp $printed;
print JSON::encode_json( { agents => \%tokens, service => $printed } ), "\n";
