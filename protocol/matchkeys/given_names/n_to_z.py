"""Common given names from n to z, as `protocol.matchkeys.given_names` says."""

NAMES = """
na nabeel/nabiel/nabil nabeela/nabeelah/nabila/nabilah naciye nadeem/nadem/nadim nadeema nadeesha
nadege nader/naadir/nadir nadezhda/nadejda/nadzieja nadia/nadiia/nadiya/nadja/nadya
nadine/nadeen/nadene nadira/nadera naeem/naeim/naem/naim/nayeem nafeesa/nafeesah/nafisa
nafis/nafees naftali/naphtali naghmeh nahid/naheed nahida/naheeda nahla nahom/nahum
naila/nailah/nayla naima/naeema/nayeema naimo najam/najm najeeb/najib najeeba/najiba najibullah
najla/najlaa najma/najmah najwa/najwah nalan nalin nalini nam naman namrata/namrita nana/nanaa
nandini/nandhini nanette naomi/naomie/nayomi/neomi/niomi naqib/nakib narayan/narain narcis narcisa
nardos narelle narendra/narender/narindar/narinder naresh/nareesh nargis/narges/nargess
narin/naryn nasar nasim/naseem/nasem/nassim nasima/naseema/nasimah
nasir/naaser/naseer/naser/nasser/nassir nasira/naseera nasra/nasrah nasratullah
nasreen/nasrin/nasrine/nazreen/nesrin nasro nasrullah nasteexo nasteho/nasteha
natalia/nataliia/nataliya/natalja/natalya/nathalia natalie/natali/nataly/natelie/nathalee/nathalie
natalino natasha/natacha/natascha/natasja/natasza nathan/nathen/nathon/naythan
nathaniel/nataniel/nathanael/nathanel/nathanial natnael/nathnael navdeep/navdip
naveed/nabid/naved/navid/nawid navin/naveen/navyn navjit navjot navneet/navnit navpreet navraj
navroop nawal/naval/nawaal nawaz/navaz/nawaaz nawroz/nowruz nayab/nayaab nayan nayana naz nazan
nazanin nazare nazia/naziah/naziya nazifa nazife nazir/nazeer/nazer nazira/nazeera nazli nazma
nazmin/nazmeen nazmul/najmul nazneen/naznen/naznin neal/neil/neill/nial/niall/niel nebahat necati
nechama/nehama neel/nil neelam/nilam neelesh/nilesh neelima/nilima neeraj/niraj neeru neeta/nita
neetu/nitu nefeli negash negasi neha/nehaa nektarios nela nelia nelida nella nelson/nelsen nenita
neo nerea nermin nerys/nerris nese neslihan nest nesta nestor netsanet/natsanet neuza
nevaeh/neveah nevena neville/nevil/nevill nevin/nevyn nexhmije nga ngan nghia ngoc
ngozi/ngosi/ngozie nguyet nhan nhung nia/niah niamh/nieve nian nicanor
nicholas/nicholass/nicklas/nickolas/nicolaos/nicolas/niklas/niko/nikolaos/nikolas
nicola/nichola/nikola nicolau nicole/nichole nicoleta nicolette/nicollette nicolo nicusor
nida/needa/nidaa nidal/nidaal nidhi/nidhee nidia/nydia nigel/nigell/nijel nihad/nihaad nihal/nehal
niharika nihat nii nikesh nikhil/nikil nikhita nikita/nikitah nikodem
nikolai/mikola/nicolae/nikolay nikolina/nicolina nikos nikunj nila nilab nilay nile niles/nyles
nilgun niloofar/nilofar/niloufar/nilufar nils nima/neema nimco nimesh nimet nimisha nimo
nimra/nimrah nina/neena/ninah ning nino niranjan nirav/neerav nirmal/nirmaal nirmala nirosha
niroshan nisa/nisaa nisar/nesar/nisaar nisha/neesha/nishaa nishant/nishanth nishanthan nishita
nishtiman nitesh/nitish nitika nitin/niteen nitya/nithya niu niusha niyaz/niaz nkechi/nkechie nkem
nkiru nkoyo nnamdi/namdi nneka/nnekah nnenna noa noah noam noel/noell/nowel noella noelle/noele
noemi/noemie/noemy noha noman/nauman/nouman/numan non nonso noor/nour/nur/nuur noorah/noura/nura
norbert norberto noreen/norene/norine norma/normah norman/normann norris nosheen/nausheen/naushin
nosson/natan nouf noushin/nushin nova/novah nuala/nula nuella nuha numa nuno nuray/nurai nurcan
nurgul nuri nuriye nurul/noorul nusaybah/nusaiba nusrat/nasrat/nushrat nutan nuura nuwan nwabueze
nyasha oaklan oakley/oaklee/oakly obafemi obaid/obaidah/ubaid oberon obiageli obinna/obina obioma
ocean octavia/oktavia octavian/oktawian octavio/ottavio odete odette odhran/odran/oran/orin
odile/odilia odin odunayo ogechi/ogechie ognjen oguz oguzhan oisin/osheen ojas okan
oksana/oksanah/oksanna/oxana oktay olabisi olabode oladapo oladele oladipo olaf olajide olamide
olanrewaju olatunde olatunji olawale olayemi olayinka oleg olegario oleksiy/oleksii/oleksij
olena/olenah olesya/olesia olga olimpia olinda olive/ollive oliver/olivier/oliwer/oliwier/olliver
olivia/alivia/oliviah/olivya/oliwia olivio olu/olou olubunmi oludare olufemi olufunke olufunmilayo
olugbenga olukayode olumide olumuyiwa olusegun oluseun olusoji olusola oluwadamilola oluwafemi
oluwakemi oluwaseun/oluwaseyun oluwaseyi oluwatobiloba oluwatosin oluwatoyin olwen/olwyn olympia
om omaima/umaima omair/omayr/umair/umayr omama/umama omar/oemar/omer/oumar/umar/umarr/umer
omid/omeed/umid omkar/onkar omolara omotola omowunmi omran/umran ondrej onur onyeka onyinye
oonagh/oona/oonah/una/unah opal ophelia/ofelia ora orest orhan ori orianna/oriana orion/oryon
orla/orlagh/orlah/orlaith orlanda orlando orson orville osagie osama/osamah/ousama/oussama/usama
osaro osas oscar/oskaar/oskar osei/osey osian/ossian osmond ostap osvaldo/oswaldo oswald/osvald
oswin otavio otilia otis/ottis ottilie/otilie/ottily otto ovidiu owen/owayn/owin oya oyin
oyinkansola ozan ozge ozgur ozkan ozlem pablo padma padmini padraig/padraic/podraig
paige/page/paij/payge paisley/paislee palak pallavi/pallavie palmira/palmyra paloma palwasha
pamela/pamala/pamelah/pamella panagiota/panayiota panagiotis/panayiotis pandora pankaj/pankaaj
pantelis paola paolo/paulo parag parambir paramjit/paramjeet/parmjeet/parmjit paras paraskevi
paresh parham pari/paree parinaz parisa/parissa parker parminder/paraminder/parmindar
parmod/pramod parth/paarth parul/parool parvaiz/parvaz/parvez/pervaiz/pervez parvaneh
parvati/parvathi parveen/parvin/parvina/parvyn/parween/parwin/perveen/pervin parwana pascal/paskal
pascale pascaline pasquale patience patrice patricia/patrisha/patritia/patrizia/patrycja
patricio/patrizio patrick/patric/patrickk/patrik/patryk paul paula/pola paule paulette/pauleta
paulina/paolina/pawlina pauline/paulene/paulyne/pawline pavan/pawan pavandeep pavel pavlo/pavlos
pavneet pawel paxton payam/peyam payton/peyton paz peace/peece pearl/pearle/perl pedro pegah pei
pelin penelope/penelopie peng percival perel perla perpetua perrine perry/perrie
persephone/persefone peshang pessy/pesi peter/petar/petr/petru/pieter/piotr/pyotr petko
petra/petrah petre petrica petrina petrit petro petronela petros petula peyman/payman phat
philip/filip/phelip/philipp/philippe/phillip/phillipp/phillippe philippa/filippa/philipa/phillipa
phineas/finneas phoebe/febe/phebe/pheobe phoenix/fenix/pheonix phong phuc phuong
phyllis/philis/phillis/phylis pierce/pearce/pearse/piers pierre pierrette pik pilar pinar
pinchas/pinchos ping pinky piratheepan pixie piyush/peeyush placido plamen po polina/polyna
pooja/poojah/puja poonam/punam pooya/pouya/puya poppy/popi/poppie porfirio portia/porcia/porsha
pouria prabha prabhakaran prabhdeep prabhjot prabhleen pradeep/pradip prafful/praful
prakash/prakaash pramila/premila pranav/pranaav pranay prasad/prasaad prasanna prashant/prashanth
pratap/prathap prateek/prathik/pratik pratheepan pratibha praveen/pravin/pravyn praveena/pravina
precious/presious preet/prit preetha preeti/preethi/preetie/prithi/priti prem premal prentice
presley/prezley preston/prestan primrose princess princewill priscilla/priscila/prisilla
prithvi/prithivi priya/pria/priyaa/priyah priyal priyanka/prianka priyantha promise prosper
prudence przemyslaw/premyslaw pui puneet/punit punita purvi pushpa/puspa pushpalatha
qadir/kader/kadir/qadeer qais/kais/qays qaiser/kaiser/qaisar qali qamar/kamar
qasim/kaseem/kasem/kasim/kassim/qaasim/qassim qendrim qi qian qiang qiao qin qing qiu qiuyue quan
quang qudsia/qudsiya quentin/kwentin/quintin/quinton quincy quinn/quin quiteria qun quoc quyen
raad rabab rabea/rabeea/rabia/rabiah/rabiya rachel/rachael/rachal/racheal/rachele/rachell/raechel
rachelle rachna/rachana radek radha/raadha radhika/raadhika radoslav/radoslaw radu/radoo
radwan/radhwan/redouane/rezwan/ridwaan/ridwan/rizvan/rizwaan/rizwan rafael/rafaele/rafal/raphael
rafaela/rafaella/raphaella rafay rafe/raif rafferty rafi/rafee/raffi rafia/rafiya
rafiq/rafeeq/rafik/rafique raghav raghbir raghu rahat/raahat raheel/rahil raheela/rahila
raheem/rahim rahel/rahell rahima/raheema rahma/rahmah/rehma rahman/rahmaan/rehman rahmatullah
rahmo raho rahul/raahul/rahool rahwa/rahua raihan/raihaan/rayhaan/rayhan/rehan/reyhan
raihana/rayhana/rehana/reyhana/rihana raimonda raimondas raimund raimunda raimundo rainbow
raine/rayne rainer/rayner/reiner rais/raees raisa/raeesa raissa raizel raizy raja rajan/raajan
rajani/rajni rajat rajbir/rajbeer/rajveer/rajvir rajdeep/rajdip rajeev/rajeeve/rajiv
rajendra/rajender/rajindar/rajinder rajesh/raaj/raajesh/rajeesh rajeshwari raji rajini rajitha
rajkumar rajpreet raju/rajoo rajwinder/rajvinder/rajwindar rakesh/raakesh/rakeesh rakhi/raakhi
ralph/ralf/rolf raluca ram/raam rama ramadan ramanan ramandeep ramani ramesh/rameesh
ramez/rameez/ramiz rami/raami/ramy ramiro/ramyro ramla/ramlah ramnik ramon ramona ramsha/ramsheh
ramune rana/raana ranbir/ranbeer/ranveer/ranvir randall/randal randolph randy rani/raani
rania/raania/raniya/raniyah/ranya ranjan ranjana ranjit/ranjeet/ranjith ranjita ranjna
raouf/raoof/rauf raphaelle raquel/rakel rasa rasha/rashaa rashid/raashid/rashed/rasheed/rasheedh
rashida/rasheeda/rashidah rashmi/rasmi rashpal rasik rasika rasim/raseem rasul/rasool/rassoul
ratan ratna raul raveena/ravina raven/ravyn ravi/raavi/ravie ravindra/ravindar/ravinder ravneet
rawan/rawaan raya rayan/rayaan/rayyan rayana raymond/raymund rayna/reina razan/razaan
razaq/razak/razzak/razzaq razia/raziah/raziya razvan/rasvan rebaz
rebecca/rebbecca/rebeca/rebeccah/rebecka/rebeckah/rebeka/rebekah/rebekha/rebekka rebin
rebwar/rebwaar recep reda/redha/rida/ridha reem/rim reema/reemah/rima reena/rina reeta
regan/reagan/reegan regina reginald/reginold regine regis reinaldo/reynaldo reinhard/reinhardt
reinhold/rheinhold rejane rekha/reka remi/remie/remy remigio rena renan renata/renatta renate
renato/renatto renaud rene/renee/rennie renu renuka renzo reshma/resma reshmi
reuben/reuven/ruben/rubin rezan rhea/rea/reya/rhia/ria/riya rhian
rhianna/reanna/rhiana/riana/rianna/rihanna rhianne/reanne/rianne rhiannon/rhianon/rhyannon rhoda
rhodri/rodri rhona/rhonah/rona rhonda rhonwen rhydian rhys/rees/reese/rhyse rica ricarda
ricardo/riccardo richa richard/richerd/rikard/rikhard/rychard richmond rico riddhi/ridhi ridley
rifka/rivkah rihab/rehab rikesh riley/reilly/reily/rhiley/rylee/ryley/rylie rimantas rinor rio
riona rishabh/rishab rishi/rishie ritchie ritesh/riteesh ritika/ritica ritu/reetu/rithu
river/rivers rivky riyad/reyaz/riad/riadh/riyadh rizalina rizwana/rezwana/ridwana roan roanna
robel/robiel robert/robbert/roberto/robertt/rupert roberta robina/rubeena/rubina roble robson
robyn/robyne/robynn rocco/rocko rochel/ruchel rochelle/roshelle rocio rocky roda rodel
roderick/roderic/rodrick rodney/rodnie/rodny rodolfo/rudolfo rodolphe rodrigo rogelio
roger/rodger/rogers rogerio rohan rohini/rohinee rohit/roheet/rohith roisin/roisheen/rosheen rojda
rojhat rojin/rozhin rokeya/rokia/roqaya/rukaya/rukia/ruqaya/ruqayah/ruqayya/ruqayyah/ruquia
roksolana roland/rolande/rowland rolando roma roman/romain/rowman romana romane romeo romeu
romilly/romily romola romulo romy/romi/romie ronak/raunak ronald/ronalds/ronold ronaldo
ronan/ronin/rownan rong roop roopa/rupa roopinder/roopindar/rupindar/rupinder roozbeh/rouzbeh
roqiya/ruqia/ruqiya roque rory/rorey/rorie rosa/roza rosalba rosaleen rosalia
rosalie/rosalee/rosaly rosalind/rosaline/rosalyn/rosalynd/roselyn rosalinda rosamund/rosamond
rosangela rosanna/rosana/roseanna/roxana rosanne/rosann/roseann/roseanne rosario/rosarya rosaura
roscoe rose/rosse/roze roselle rosemary/rosemarie/rosemarry/rosmary rosetta roshan/rosan/roshen
roshanak roshni/roshani/roshnee rosina/rozina rosinda rosine rosita ross/rosss rostyslav/rostislav
roswell rotimi rou roux rowan/rowen rowda rowena/rowenna roxanna roxanne/roxane/roxann
roy/roi/roie roya royce royston rozalia rrezarta ruairi ruby/rubey/rubi/rubie ruchi ruchika ruchy
rudolph/rudolf rudy/rudi ruediger/rudiger ruel rufus/rufuss rui/ruy
rukhsana/rokhsana/roksana/rukhsaana/ruksana rukhsar/ruksar rukiye rumaisa/rumaysa/rumaysah ruman
rumana ruolan rupal/roopal rupali rupesh ruslan/rouslan/ruslann ruslana russell/rusell/russel
rustico ruta/rutah rute ruth/rut/rutt rutvik ruwaida/ruwayda ruwan ruzica ryan/rian/ryon
ryder/rider ryker rylan/ryland/rylen ryszard/rishard saad/saaad/sad
saadia/saadiya/sadia/sadiya/sadiyah saba/sabaa sabah/sabaah sabiha/sabeeha sabina/sabeena sabine
sabir/saabir/saber sabira/sabera sabita sabiya sabreen/sabrin/sabrine sabri/sabry sabrina/sabrena
sacha sachin/sacheen sadaf/sadaff sadhbh/sive sadiq/saddiq/sadeeq/sadik/sadique/siddik/siddiq
sadiqa/sadeeqa/sadika/siddika/siddiqa saeed/saed/said/saied/saiid/sayed/sayeed/syed
safa/safaa/safah safak saffron/safron safia/safiya/safiyah/safiyya/safiyyah safiyo safwan/safwaan
sagal sagar/saagar sage sahal sahana sahar/seher sahib sahil/saahil sahra/zahra/zahraa/zahrah
sai/saai saida/saedah/saeeda/sayeeda saif/sayf/seif saifullah/sayfullah saima/saema/saimah/sayma
saira/saera/sairah/sayra sajad/sajaad/sajjad/sejad sajid/saajid/sajed sajida/sajeda sajith
sakina/sakeena/sakinah sakshi/saakshi salah/salaah salaheddin/salahuddin/salahudin salam/salaam
salamatu saleem/saleim/salim/selim saleema/salima/salimah saleh/saaleh/salih salem salha
saliha/saleha/salihah salma/salmah salman/salmaan/selman salome/salomea salvador/salvatore
salwa/salwah samad/samaad saman/samaan samaneh samantha/samanta/samanther/semantha samar/samaar
samara samarth samatar samaya/samaiya/soumaya/sumaiya/sumaiyah/sumaya/sumayah/sumayya/sumayyah
samee/saami/sami/samy sameena/samina/saminah samia/samiah/samiya/samiyah samir/sameer/samer/samier
samira/sameera/sameerah/samirah samiullah samra/samrah samrawit/semrawit samson/sampson
samuel/samual/samuele/samul samuela sana/sanaa/sanah sandeep/sandheep/sandip/sundeep sandeepa
sandhya/sandya sandor sandra/sandrah/saundra/zandra sandrina sandrine sandro sang
sangeeta/sangeetha/sangita/sangitha saniya/sania/saniyah sanjana/sanjna sanjay/sanjai/sanjey
sanjeev/sanjiv/sanjive sanjeevan sanjit/sanjeet sanjoy sanjula santiago santino santokh
santosh/santhosh/santoch saoirse/saorise/sersha sapna/sapnaa/swapna sapphire
saqib/sakib/saqeb/saquib sarabjit/sarabjeet/sarbjeet/sarbjit sarah/saidie/sara/sarra/sarrah/sera
saranya/sharanya saraswati sarfaraz/sarfraz sarhad sarika/sareeka
sarina/sarena/serena/serenah/serina sarit sarita/sareeta sarkawt sarla saroj sarojini
sarwar/sarwer sarwat sasan/saasan sascha sashika saskia/saskya satbir satinder/satindar
satish/sateesh/sathish satnam/satnaam satpal sattar satvinder/satwinder satwant sau
saud/saoud/sauood saul/sawl saule saulius saurabh/sourabh sava savannah/savana/savanah/savanna
savera savita/savitha savitri sawsan/sausan saynab/seynab sayyid
scarlett/scarlet/scarlette/skarlett scott/scot/skott seamus/seamas/shamus sean/shaun/shawn
sebastian/sebastiaan/sebastien/sebastyan sebastiao seble seda sedat sedef seema/sima
seeta/sita/sitha sefa sehrish/sahrish/sehresh selam/sellam selamawit selby selcuk selda
selina/celina/salina/selena selma/zelma selvan selvi sema semere/semre semhar/semharr semih semra
senait/senayt/sinait senan senem senga senthil sepideh/sepida serafim serafina serap serdar/sardar
seren/sereen serenity/serenitie serge sergei/sergej/sergey/serghei/sergii/sergiu/sergiy sergio
serhat serkan serpil setareh/setara seth/sethe sevda severin severine severino sevgi sevil sevim
sevinc seyi seyma sezen sezgin shaan/shan shaban/shaaban/shabaan shabana/shabaana/shabanah
shabbir/shabber/shabeer/shabir shabina/shabeena shabnam/shabnum shabtai shadi/shady shafaq/shafak
shafi/shafee shafia shafiq/shafeeq/shafik/shafique shafiqa/shafeeqa shagufta/shagofta/shugufta
shah/shaah shahab/shahaab/shihab shahana/shahaana shahbaz/shabaz/shahbaaz shahd/shahad
shaheda/shaheeda/shahida/shahidah shaheed/shahed/shaheid/shahid shaheen/shaahin/shahen/shahin
shahla/shehla shahmeer/shahmir shahnawaz shahnaz/shahnaaz/shanaz/shehnaz shahram/shahraam
shahriar/shahriyar/shahryar/shariar/shehryar shahrukh shahzad/shahzaad/shazad/shehzad shahzadi
shahzaib/shahzeb/shazaib shaida/shaeda shailesh/shaileesh shaima/shaimaa/shayma shaindy/sheindy
shakeel/shakiel/shakil shakeela/shakila/shakilah shakiba shakir/shakeer/shaker shakira/shakirah
shakur/shakoor shalini/shaalini shalom/sholom/shulem shalu shami shamim/shameem/shamem
shamima/shameema/shamema shams shamsa/shamso shamsul shana/shanna shane/shain/shayne
shania/shaniah/shaniya shanika shankar/sankar shanmugam shannon/shanen/shannan/shannen/shanon
shanti/shaanti/shanthi shanza/shanzay shao shapour sharad sharanjit sharda/sharada
shareefa/sharifa/sharifah sharif/shareaf/shareef/sherif shariq/sharik sharmarke
sharmeen/sharmin/sharmine sharmila/sharmilla sharna/sharnah sharnie
sharon/sharan/sharen/sharran/sharron shashi/sashi shaukat/shoukat/showkat shaul
shauna/seana/shaunna/shawna/shona shay/shae/shea/shey shayan/shayaan shayla/shaila shayna
shazia/shaziah/shaziya sheema/shima sheena/sheenagh/shena sheetal/shital shefali
sheikh/shaikh/shaykh sheila/sheela/sheelagh/sheilagh/shelagh/shiela shelby/shelbie sheldon/shelden
sheng sher sheridan/sheriden sherwin shewit shi shideh shikha/sikha shilan/shylan
shilpa/shilpaa/silpa shilpi shimon/shimen shing shira/shirah
shireen/shereen/shereene/sherin/shirin/shirina/shirine shirko shirley/shirlee/shirlie/shirly shiv
shiva shivam/shivaam shivani/shivanie/sivani shkelqim shler shlomo/shloime shmuel/shmiel
shoaib/shoeb/shoib/shuaib/shuayb shobha/shoba/sobha shobhana shohreh shola/sola shoshana/shoshanah
shpresa/shpressa shqipe shraddha shreya/shria/shriya shruti/shroti/shruthi/sruthi shu shuang
shubham/subham shui shuk shukri/shukry shukria/shokria shulamit shun shwan shweta/shveta/swetha
shyam/sham/shaym shyanne/cheyenne siamak/siyamak sian/sianne siavash/siyavash sibel
siddharth/sidarth/sidharth sidney/sidny/sydnee/sydney sidonia sidra/sidrah siegfried siegrid
siena/sianna/sienna sierra/siera siew sigrid sigrun siham/seham/sihaam silas/sylas silke silma
silvain/sylvain silvana silvano silvester/sylvester silvia/silvya/sylvia/sylwia silvio silviu
siman simao simarjit simcha simeon/symeon simge simi simin simisola simon/seimon/symon simona
simone/simonne/symone simra/simrah simran/simraan/simren simranjit/simranjeet simret/smret sin
sina/seena sinan/synan sinead/shinead/sinaid sinem sinthuja
siobhan/chevonne/shevaun/shivaun/shivon sioned/shoned sirisha siu sivakumar sivanesan siyad
skender sky/skie/skye skyla/skylah skyler/skylar/skylor slavka slavomir smita/smitha smriti
sneha/snehaa snehal snezana sobia/sobiah/sobiya sofian/sofiane/soufiane/sufian/sufiyan/sufyan
sohail/soheil/sohel/suhail/suhayl/suhel sohaila/soheila/suhaila sohan sohrab/sohraab sokol solange
soledad solene/solenne solmaz solome/selome solomon/salomon/soloman somaya somto son sona
sonal/sonaal sonali/sonalie sonam soner songul sonia/soniya/sonja/sonya sonita sonny/sonnie
sonu/sonoo soo sook sophia/sofia/sofiia/sofiya sophie/sofi/sofie/sophi/sophy soran/soraan
soraya/suraya/surayya/thuraya sorcha/sorca sorin/soryn sorina soroush/sorush sorrel sosina
sotiris/sotirios soula spogmai spyros/spiros srinivas/shrinivas sriram/shriram
stacey/stacee/staci/stacie/stacy stamatis stanislaus stanislav/stanyslav stanislava/stanislawa
stanley/stanlee/stanly star/starr stavros stavroula stefan/steffan/stephan stefania/stephania
stelios stella/stela stephanie/stefani/stefanie/stephaine/stephani/stephany/stephenie
stephen/stephon stewart/steward/stuard/stuart/stuwart storm stoyan/stojan struan stylianos su suat
subhan/subhaan subhash/subash sucad/souad/suad suchitra/suchithra sude sudesh sudha/suda
sudhir/sudheer suela/suella sufia/sufiya sugandha suganthi suhaib/shuhaib/sohaib/suhayb suhana
suhayla sui sujata/sujatha suk sukhbir/sukhveer/sukhvir sukhdeep/sukhdip sukhdev sukhi
sukhjit/sukhjeet sukhpal sukhpreet sukhraj sukhvinder/sukhwindar/sukhwinder sukhwant sukran sukru
sulaiman/soleman/soliman/souleymane/sulaymaan/sulayman/suleiman/sulemaan/suleman/suleyman/sulieman/suliman
suldan suleqa/suleekha sullivan sultan/soltan/sultaan sultana/sultanah sum
sumaira/sumaera/sumayra/sumera suman/sumaan sumathi sumbul sumit/sumeet/sumith sumita/sumeeta
summer/sommer sun suna sunaina sundar/sunder sundari sundas sundus sung sunil/suneel/sunyl
sunita/suneeta/suneetha/sunitha suraj/sooraj/surajh surbhi surekha/sureka suren
surendra/surender/surindar/surinder surer suresh/sureesh surie/suri suriya/surya surjan
surjit/surjeet surraya susan/suzan susanna/susana/susannah/suzanna/suzannah sushil/susheel
sushila/suseela/susheela sushma/susma suthan suzanne/susann/susanne/suzann suzette sven/swen
svenja/swenja svetlana/svitlana svetoslav/sviatoslav/svyatoslav swapnil swaran/swarn swati/swathi
sybil/sibyl/sybill sylvaine sylvette sylviane sylvie/silvie sylwester sze szymon/shymon taban
tabitha/tabatha/tabytha tadas tadesse/tadese tadeu tadgh/tadhg/tiger taha/taaha
tahir/taahir/taher/tahyr tahira/tahera/tahirah tahmid/tahmeed tahmina/tahmeena/tahmena/tehmina
tahmineh tai taib taiga taimur/taimoor/taymur/timur taiwo/taiwoh tak taki talal/talaal
talat/talaat talha/talhah/tallha talia/taliah/talya/thalia talib/taalib/taleb taliesin talitha
tallulah/tallula/talulah tamar tamara/tamarah/tamra tamer/tamir tamim/tameem tamjid
tamsin/tamsen/tamsyn/tamzin/tamzyn tan taner tang tanguy tania/taniya/tanja tanim/taneem
tanisha/taneesha tanjila/tanzeela/tanzila tanjina/tanzina tanmay/tanmai tanner tansy tanuja
tanveer/tanver/tanvir/tanwir tanvi/tanvie tanzeel/tanzil tao taqwa/takwa tara/taragh/tarah taran
taraneh taranjit taranpreet taras/tarass tarek/taarik/taariq/tareq/tarik/tariq/tarique tarlochan
tarquin tarsem tarun/taroon taruna tasleem/taslim taslima/tasleema tasmin/tasmine/tazmin
tasneem/tasnem/tasnim/tasnym tasos tat tate/tait tatiana/tatjana/tatyana/tetiana/tetyana
tatum/tatem tauseef/tausif/tawsif/tousif tawfiq/taufeeq/taufiq/tawfeeq/toufik/toufiq tawiah
taya/taia tayfun taylor/tailor/taylar/tayler tayo tayyab/taieb/tayab/tayeb/tayib
tayyaba/taiba/tayiba teagan/teegan/tegan/teigan teah tegid tegwen tehila/tehilla
tehseen/tahseen/tahsin tej tejal tejas tejinder/tajinder/tejindar tek tekle/tekele telmo
temesgen/temesghen temilola temitayo temitope temperance tendai teodoro teofil
terence/terance/terrance/terrence teresa/teressa/tereza/theresa/theressa terese teresinha teresita
tesfa tesfalem/tesfaalem tesfamariam tesfay/tesfai/tesfaie/tesfaye teuta tewelde/tewolde
tewodros/tedros/teodros tex thaddeus/tadeus/tadeusz thana thanasis thanh thanos thao tharani
tharindu tharshan thea/thia thelma/telma themis theodora/teodora theodore/teodor/theodoor/theodor
theodoros theofilos therese thi thiago/tiago/tyago thibault/thibaud/thibaut thien thierry/thierri
thilini thinh thoa thomas/thomass/tomas/tomass/tommas thomasina thorsten/torsten thu thuan
thushara thuy tia/tiah tian tiana/teanna/tianna tiberio tiegan tien tiernan
tiffany/tifany/tiffani/tiffanie tigist/tigest till tilman timea timo/timmo timotei
timothy/timmothy/timothee/timothi/tymoteusz tin tinashe ting tinh tirhas/tirhasse titilayo
titilola titus tiwa toan tobias/tobiasz/tobyas tobin tochukwu/tochuku tod/todd tokunbo tola tolani
tolga tolu toluwani tomasz tomaz tomiwa tomos tong tonia/tonya tonye tooba/touba/tuba topaz torben
torin touraj tova/tovah toyin tracey/tracee/traci/tracie/tracy/trasey tran trang
travis/traviss/travys treasa tremaine trent trenton trevor/trefor/trevar/trever tri trieu trina
trinh trinidad trinity/trinitie trishna tristan/tristen/tristian/tristin/tristram/trystan trong
troy/troi truc trude trudy/trudi/trudie trung truong trupti/tripti tsega/segha tsegay/tsegaye
tsehay/tsehaye tsion/sion tsz tu tuan tudor tudur tugba tugce tulsi tuncay tung turan turgut
turkan turki tushar/toosar tuyet tyla/tylah tyler/tielor/tylar/tylor tymon tyrell/tyrel
tyrese/tyreece tyrone/tiron/tyron tyson/tysen tziporah/tzipora/zipporah tzvi/zvi ubah/ubax uchechi
uchenna uday/udai udo ufuk ugne ugo ugochi ugochukwu ugonna ugur uju ulas ulisses ulric
ulrich/ulrik ulrike/ulrika uma umaira/umayra umaiza umamah ume/umme umesh/umeesh umit umm
umrah/umra umut unal unity upinder urbano uri uriah uriel urmila urooj/uruj uroosa
ursula/ursulla/urszula urte urvashi/urvasi usha/oosha ushma usman/osmaan/osman/ousmane/usmaan ute
uthaya utku utsav uttam uwe uzair/ozair/uzayr uzma/ozma/uzmah uzo uzochukwu uzoma
vadim/vadym/wadim vaios vaishali/vaisali vaishnavi valbona valentim valentin/valentine/walenty
valentina/walentyna valentino valeria/valeriya/waleria valerie/valeri/valery/vallerie
valeriu/valerii/valerij/valeriy valon van vandana/wandana vanessa/vanesa/wanessa vani/vaani vania
vanita/vanitha/wanita varinder/varindar/virinder varsha/varsa varun/varoon varvara vasant/vasanth
vasanthi vasco/vasko vasile/vasil/vasilii/vasilis/vasiliy/vasily/vasyl/wasyl vasilena vasilica
vasiliki vasso vasu vasudha vasuki vathani vaughan/vaughn/von vedat veena/vina veli velislava
velma venera venetia ventsislav venus vera/veera/wiera verity/veritie verna vernon/vernan
veronica/veronika veronique vesela vesna vi vibha vicente/vicenzo victoire victor/viktar/viktor
victoria/victorya/viktoria/viktoriia/viktoriya/vyctoria victory vidya/vidhya/vidia viet viggo
vignesh vijay/vijai/vijey vijaya/vijaia vijitha vikas/vikaas/vikash vikesh vikram/vikraam vikrant
viktorija vimal/wimal vimala/vimla vinay/vinai vincent/vincente/vinsent vincenzo vinh vinicius
vinit/vineet vinita/vineeta vinod/vinode/vinodh viola violante violet/violett/violette
violetta/violeta viorel viorica vipul viraj viral viren virendra/virender virgilio/virginio
virginia/virjinia virginie vishal/visal/vishaal vishnu/visnu
vitalie/vitalii/vitalij/vitaliy/vitaly vitold/witold vitor/vitorr vitoria/vittoria
vittorio/vitorio vivek/vivak/vivec viviana vivienne/vivian/viviane/vivien/vivyan vjollca vlad
vladimir/vladymir/volodimir/volodymyr/wladimir vladislav/vladyslav vlado vojtech volkan volker
vuong vy waclaw/vaclav wade wafa/wafaa wah wahab/wahhab waheeda/wahida wahid/vaheed/wahed/waheed
wai wais/ways wajid/waajid/wajed wajiha/wajeeha wajma waldemar/valdemar wali/waly
walid/waled/waleed/walied walker wallace/wallis walter/valter/walther waltraud wan wanda/vanda
wang waqar/vaqar/wakar/waqaar waqas/vaqas/wakas/waqaas ward warda/wardah/wardo warren/warran
warsame warsan wasim/waseem/wasem/wassim wasiq/wasik wayne/wain/waine wazhma wei/wey weidong
weijun weili weiming weiwei weldemichael weldu/woldu wemimo wen wendy/wendey/wendi/wendie wenjing
wenzel werner/verner wesley/wesly/westley weyni wieslaw/vieslav wieslawa/wyslawa wiilo wilbur
wilder wilfred/wilfrid/wilfried wilfredo wilhelm/vilhelm wilhelmina willa willard willem willi
william/leeam/lyam/wiliam/willam/williams/wilyam willow/willo wilma/vilma wilson/wilsen wing
winifred/winnifred winona winston/winsten winta winter wioletta/wioleta wisdom wlodzimierz
wojciech/vojciech/wojcieh wolfgang wolfram wong wren wu wunmi wyatt/wiatt wyn wynne/winn
xanthe/zanthe xavier xena/zena xezal xhevdet xi xia xian xiang xiao xiaodong xiaofeng xiaohong
xiaohui xiaojun xiaoli xiaoling xiaomei xiaoming xiaoping xiaowei xiaoyan xiaoying ximena ximenes
xin xing xinyi xiu xiuying xu xuan xue xuemei xun ya yaa yaasmiin yael yagmur yago
yahya/yahia/yahyah/yehia/yehya yakov/yaacov/yaakov yakub/yacoub/yakoob/yakoub/yaqoob/yaqoub/yaqub
yakuba yakup yalda yalini yama yaman yamin/yameen yamina/yameena yamini yan yana yang yanhong
yanling yann yannick/janick/yanick yara/yarah yared/yareid yaroslav yasaman/yasamin yasemin yasen
yaser/yaasir/yasir/yasser/yassir yash/yaash yashpal
yasin/yaasin/yaseein/yaseen/yasine/yassin/yassine yasira yasmin/yasmeen/yasmine/yazmin yavuz
yaw/yao yazan yazid/yazeed ye yee yegor/egor/jegor yehoshua yehuda/yehudah yehudit/yehudis yeliz
yemi yen yeter yetunde yewande yi yianna yianni yibo yichen yigit yihan yildiz yilmaz yimin yin
ying yingying yisrael/yisroel yitzchak/itzhak/yitzchok yitzy yiu ylli yocheved yodit/yodith yoel
yogan yogesh/yogeesh yogita/yogeeta yohan yohana/yohanna yohannes/yohanes/yohanis
yolanda/iolanda/jolanda yolande yona/yonah yonas/yonass yonatan/yonathan yong yongjun
yonis/yonus/yoonus/younes/younis/younous/younus/yunes/yunis/yunus yordanos/yordanoss yosief/yosyef
yosra/yousra/yusra/yusrah yossi/yossy you young ysabel yu yuan yuchen yue yuen yuet yuhan yuk
yulan yuliana/iuliana yuming yumna/yumnah yun yung yunxi yuping yuri/iurie/juriy/yurii/yuriy
yusuf/yosef/yousaf/yousef/yousif/yousouf/youssef/youssuf/yousuf/yusaf/yusef/yusof/yussuf yusur
yuting yutong yuxin yuxuan yves yvette/evette/ivette yvonne/evonne/ivonne/yvone zabihullah
zacarias zachariah/zacharia/zakaria/zakariah/zakariya/zakariyya/zekeriya
zachary/zachery/zackary/zackery/zakary zafar/dhafer/zaffar zafer zaheera/zahera/zahira
zaher/zaheer/zahier/zahir zahid/zaahid/zahed/zaheid zahida/zaheda zahro zaid/zaied/zayd/zeyd zaida
zaim/zaeem zain/zaine/zayn/zein zaina/zayna/zeina
zainab/zaineb/zainub/zaynab/zaynub/zeinab/zenab/zeynep/zineb zainabu zaki/zakee/zaky
zakia/zakiya/zakiyah/zakiyyah zakir/dhakir/zakeer/zaker zalmai/zalmay zalman zaman/zamaan
zameer/zamir zamira zamzam zana zander zane/zayne zaneta/janeta zanyar zara/zaara/zarah
zareen/zarin zareena/zarina zarghona zari zarmina/zarmeena zartasha zawad zbigniew/zbigniev
zbyszek zdravko zdzislaw ze zeb zeba/zeeba/ziba zebedee zedong zeenat/zeenath/zenat/zinat
zeeshan/zeeshaan/zeshan/zishan zehava zehra zeki zelda zelia zelie zeliha zemen zenebech zenon
zerai/zeray zerrin zeus zev/zeev zewdi zhang zhao zhaohui zhen zheng zhi zhigang zhihao zhihui
zhimin zhiming zhiqiang zhiwei zhiyong zhong zhou zhu zhuo zhyan/jiyan/zhian zi zia/ziaa/ziya
ziagul zidan/zidane zihan zihao zikora zilan/zylan zimo zion/zyon zisis zita zixin zixuan ziyi
zlata zlatko zmarai zoe/zoey/zoie/zooey/zowie zofia zohaib/zohaab/zuhaib/zuhayb zohal
zohra/zohrah/zuhra/zuhrah zohreh zola zoltan zong zora zoran zorana zorro zoya/zoia zsofia zsolt
zu zubaida/zobaida/zubayda/zubeda zubair/zobair/zubaer/zubayr/zuber/zubyr zubeyde zuhair/zuhayr
zuhal zulaikha/zulaykha/zuleikha/zulekha/zuleyka zuleyha zulfikar zulmira zunaira/zunayra zuri
zuzanna/zuzana zydrunas zygmunt/sigmund
"""
