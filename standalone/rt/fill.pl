#!/usr/bin/perl
# Fills a fresh Request Tracker for the demo: a queue, its fields, an agent, and Acme's agent as a requestor. Reads JSON
# from the file named first: { password }.
use strict;
use warnings;
use JSON ();
use lib '/usr/share/request-tracker5/lib';
use RT -init;

open my $in, '<:raw', $ARGV[0] or die "$ARGV[0]: $!";
my $plan   = JSON::decode_json( do { local $/; <$in> } );
my $system = RT->SystemUser;

sub must {
    my ( $what, $ok, $message ) = @_;
    die "$what: " . ( $message // 'failed' ) . "\n" unless $ok;
}

my $queue = RT::Queue->new($system);
must( 'queue', $queue->Create( Name => 'Acme', Description => 'Tickets that Acme escalates' ) );

my @fields = (
    [ 'Service',     'SelectSingle',   'Connectivity', 'Devices' ],
    [ 'Impact',      'SelectSingle',   'Minor',        'Major' ],
    [ 'Client due',  'Date' ],
    [ 'Work begins', 'DateTime' ],
    [ 'Serial',      'FreeformSingle' ],
);
for my $field (@fields) {
    my ( $name, $type, @values ) = @$field;
    my $made = RT::CustomField->new($system);
    must(
        $name,
        $made->Create(
            Name       => $name,
            Type       => $type,
            $type =~ /^Date/ ? ( MaxValues => 1 ) : (),
            LookupType => 'RT::Queue-RT::Ticket',
        )
    );
    must( $name, $made->AddToObject($queue) );
    must( $name, $made->AddValue( Name => $_ ) ) for @values;
}

my $agents = RT::Group->new($system);
must( 'agents', $agents->CreateUserDefinedGroup( Name => 'Service Desk' ) );
for my $right (
    qw(SeeQueue ShowTicket ShowTicketComments ShowOutgoingEmail CreateTicket ReplyToTicket CommentOnTicket ModifyTicket
    OwnTicket StealTicket Watch WatchAsAdminCc SeeCustomField ModifyCustomField SetInitialCustomField ModifySelf)
    )
{
    must( $right, $agents->PrincipalObj->GrantRight( Right => $right, Object => RT->System ) );
}

my $lena = RT::User->new($system);
must(
    'agent',
    $lena->Create(
        Name         => 'lena',
        RealName     => 'Lena Voss',
        EmailAddress => 'lena.voss@northwind.example',
        Password     => $plan->{password},
        Privileged   => 1,
    )
);
must( 'agent', $agents->AddMember( $lena->PrincipalId ) );

my $dana = RT::User->new($system);
must(
    'requestor',
    $dana->Create(
        Name         => 'dana.reyes@acme.example',
        RealName     => 'Dana Reyes',
        EmailAddress => 'dana.reyes@acme.example',
        Privileged   => 0,
    )
);
